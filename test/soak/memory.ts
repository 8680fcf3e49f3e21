import { type Slope, isBeyond, slopeOf } from './slope.js';

const KIB = 1024;

/**
 * What memory may grow by, beyond what is noise: so much a minute, and so much because things still warm up. At a
 * hundred messages a second, a hundred bytes that each leaves are 586 KiB a minute.
 */
const LIMITS = {
  heap: { perMinute: 128, once: 512 },
  buffers: { perMinute: 1_024, once: 16_384 },
} as const;

/** With fewer nothing is said. */
const MIN_SAMPLES = 6;

export interface Sample {
  readonly atMs: number;
  /** Bytes. */
  readonly heap: number;
  readonly rss: number;
  readonly buffers: number;
}

/** In KiB a minute. */
export interface Growth {
  readonly heap: Slope;
  readonly rss: Slope;
  readonly buffers: Slope;
  readonly minutes: number;
}

type Measured = 'heap' | 'rss' | 'buffers';

/** How memory grew in the second half of the time. */
export function growthOf(samples: readonly Sample[]): Growth | undefined {
  const half = samples.slice(Math.floor(samples.length / 2));
  if (half.length < MIN_SAMPLES) return undefined;
  const slope = (what: Measured): Slope =>
    slopeOf(half.map((sample) => ({ x: sample.atMs / 60_000, y: sample[what] / KIB })));
  const minutes = (half.at(-1)!.atMs - half[0]!.atMs) / 60_000;
  return { heap: slope('heap'), rss: slope('rss'), buffers: slope('buffers'), minutes };
}

export function faultsOfGrowth(name: string, growth: Growth): string[] {
  return (['heap', 'buffers'] as const).flatMap((what) => {
    const { perMinute, once } = LIMITS[what];
    if (!isBeyond(growth[what], perMinute + once / growth.minutes)) return [];
    const { slope, error } = growth[what];
    return [`${name}: ${what} grows by ${slope.toFixed(0)} ± ${error.toFixed(0)} KiB a minute`];
  });
}
