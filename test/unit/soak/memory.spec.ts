import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.js';
import { faultsOfGrowth, growthOf } from '../../soak/memory.js';
import { slopeOf } from '../../soak/slope.js';

const KIB = 1024;

/** A sample every 2.5 s of `minutes`, with noise, and so many KiB more each minute. */
function samples(minutes: number, perMinute: { heap?: number; buffers?: number }, noise = 200) {
  const random = seededRandom(1);
  return Array.from({ length: minutes * 24 }, (_, i) => {
    const at = (kib: number) => KIB * (20_000 + (kib * i) / 24 + noise * (2 * random() - 1));
    return {
      atMs: i * 2_500,
      heap: at(perMinute.heap ?? 0),
      rss: at(0),
      buffers: at(perMinute.buffers ?? 0),
    };
  });
}

const faults = (...of: Parameters<typeof samples>) => faultsOfGrowth('node 0', growthOf(samples(...of))!);

describe('the slope through points', () => {
  it('is that of a straight line', () => {
    const points = [1, 2, 3, 4].map((x) => ({ x, y: 5 + 3 * x }));
    expect(slopeOf(points).slope).toBeCloseTo(3);
    expect(slopeOf(points).error).toBeCloseTo(0);
  });

  it('has an error as large as the noise makes it', () => {
    const points = [0, 1, 2, 3].map((x) => ({ x, y: x % 2 }));
    expect(slopeOf(points).error).toBeGreaterThan(0.2);
  });
});

describe('growth of memory', () => {
  it.each([2, 10])('is none where there is only noise, in %i minutes', (minutes) => {
    expect(faults(minutes, {})).toEqual([]);
  });

  it('finds a leak of 100 bytes a message, at 100 messages a second', () => {
    expect(faults(10, { heap: 586 })).toEqual([expect.stringContaining('heap grows')]);
  });

  it('finds buffers that are kept', () => {
    expect(faults(10, { buffers: 10_000 }, 2_000)).toEqual([expect.stringContaining('buffers grows')]);
  });

  it('does not count what happens while everything warms up', () => {
    const warm = samples(10, {}).map((sample, i) => ({
      ...sample,
      heap: sample.heap + Math.min(i, 100) * 50 * KIB,
    }));
    expect(faultsOfGrowth('node 0', growthOf(warm)!)).toEqual([]);
  });

  it('says nothing of a few samples', () => {
    expect(growthOf(samples(2, {}).slice(0, 6))).toBeUndefined();
  });
});
