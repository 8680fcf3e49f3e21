import type { Clock } from './clock.js';
import { every } from './clock.js';

/** How often the loop shows that it runs. */
const TICK_MS = 250;

/** A loop that was this late, or more, was blocked: peers that had something to ask of it noticed. */
export const BLOCKED_MS = 1_000;

/** How it is told of who called meanwhile and gave up: nobody was refused. */
export const WAS_LATE = 'This node was late';

/** A time in which our own event loop did not run. */
export interface LoopBlock {
  readonly forMs: number;
  /** The share of that time in which this process used a processor: 1 is all of it. */
  readonly busy: number;
}

/** Knows how late our own event loop is, and was. */
export class LoopWatch {
  private lastTickMs: number;
  private busyMs: number;
  private end: (() => void) | undefined;
  private block: { readonly forMs: number; readonly endedAtMs: number } | undefined;
  private blocks = 0;
  private longestMs = 0;

  constructor(
    private readonly clock: Clock,
    /** Milliseconds of processor time that this process has used. */
    private readonly cpuMs: () => number = processorMs,
  ) {
    this.lastTickMs = clock.now();
    this.busyMs = cpuMs();
  }

  /** Watches until `stop`, and tells of each block when it is over. */
  start(blocked: (block: LoopBlock) => void): void {
    this.touch();
    this.end ??= every(this.clock, TICK_MS, () => this.tick(blocked));
  }

  stop(): void {
    this.end?.();
    this.end = undefined;
  }

  /** How late it is now, in milliseconds. */
  get lagMs(): number {
    return this.end ? Math.max(0, this.clock.now() - this.lastTickMs - TICK_MS) : 0;
  }

  /** How often it was blocked for a second or more, how long at most, and when last. */
  get history(): { readonly blocks: number; readonly longestMs: number; readonly last?: LastBlock } {
    const { block, blocks, longestMs, clock } = this;
    return {
      blocks,
      longestMs,
      ...(block && { last: { forMs: block.forMs, agoMs: Math.round(clock.now() - block.endedAtMs) } }),
    };
  }

  private tick(blocked: (block: LoopBlock) => void): void {
    const { lagMs, busyMs } = this;
    const forMs = Math.round(lagMs);
    this.touch();
    if (lagMs < BLOCKED_MS) return;
    this.blocks += 1;
    this.longestMs = Math.max(this.longestMs, forMs);
    this.block = { forMs, endedAtMs: this.lastTickMs };
    blocked({ forMs, busy: Math.min(1, (this.busyMs - busyMs) / (lagMs + TICK_MS)) });
  }

  private touch(): void {
    this.lastTickMs = this.clock.now();
    this.busyMs = this.cpuMs();
  }
}

/**
 * The last time in which an event loop did not run.
 *
 * @publicApi
 */
export interface LastBlock {
  /** How long it was, in milliseconds. */
  readonly forMs: number;
  /** Milliseconds since it ended. */
  readonly agoMs: number;
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
