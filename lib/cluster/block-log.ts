import type { Clock } from '../time/clock.js';
import type { LoopBlock } from '../time/loop-watch.js';
import { duration, seconds } from '../time/seconds.js';

/** Blocks that follow within this are gathered, */
const GATHER_MS = 60_000;
/** and while they go on, within this. */
const GO_ON_MS = 10 * 60_000;

/** One that is so many times as long as what was told is news. */
const MUCH_LONGER = 2;

/** A processor that is shared gives busy code less than all of its time, and one that waits none at all. */
const OWN_SHARE = 0.2;

/**
 * Says that the event loop of this node did not run: the first time at once, and of those that follow, one line a minute
 * and then one every ten minutes, with their number. A process that gets too little of a processor is blocked every few
 * seconds, for hours.
 */
export class BlockLog {
  private longestToldMs = 0;
  private toldAtMs = Number.NEGATIVE_INFINITY;
  private cancel: (() => void) | undefined;
  private more: LoopBlock[] = [];

  constructor(
    private readonly warn: (message: string) => void,
    private readonly clock: Clock,
    /** After so long peers miss this node. */
    private readonly downMs: number,
  ) {}

  log(block: LoopBlock): void {
    const isGathering = this.cancel !== undefined;
    if (isGathering && !this.isNews(block)) {
      this.more.push(block);
      return;
    }
    this.longestToldMs = Math.max(isGathering ? this.longestToldMs : 0, block.forMs);
    this.toldAtMs = this.clock.now();
    this.warn(
      `The event loop of this node was blocked for ${seconds(block.forMs)} until now. ${whyOf([block])}. Peers may have ` +
        'seen it as degraded, and requests to it waited',
    );
    if (!isGathering) this.gather(GATHER_MS);
  }

  /** Much longer than what was told; or so long that peers missed this node, once a minute. */
  private isNews({ forMs }: LoopBlock): boolean {
    if (forMs >= MUCH_LONGER * this.longestToldMs) return true;
    return forMs >= this.downMs && this.clock.now() >= this.toldAtMs + GATHER_MS;
  }

  /** Says what it has gathered. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    if (this.more.length > 0) this.tellMore();
  }

  private gather(forMs: number): void {
    const sinceMs = this.clock.now();
    this.cancel = this.clock.after(forMs, () => this.gathered(sinceMs), true);
  }

  private gathered(sinceMs: number): void {
    this.cancel = undefined;
    if (this.more.length === 0) return;
    this.tellMore(sinceMs);
    this.gather(GO_ON_MS);
  }

  private tellMore(sinceMs?: number): void {
    const { more } = this;
    this.more = [];
    const longestMs = Math.max(...more.map(({ forMs }) => forMs));
    this.longestToldMs = Math.max(this.longestToldMs, longestMs);
    const sum = more.reduce((ms, { forMs }) => ms + forMs, 0);
    const times = more.length === 1 ? 'once more' : `${more.length} more times`;
    const since = sinceMs === undefined ? '' : ` in ${duration(this.clock.now() - sinceMs)}`;
    this.warn(
      `The event loop of this node was blocked ${times}${since}: for ${seconds(sum)} together, ${seconds(longestMs)} at ` +
        `most. ${whyOf(more)}`,
    );
  }
}

/** Of most of the time that it was. */
function whyOf(blocks: readonly LoopBlock[]): string {
  const sum = blocks.reduce((ms, { forMs }) => ms + forMs, 0);
  const busy = blocks.reduce((ms, { forMs, busy: share }) => ms + forMs * share, 0) / sum;
  return busy > OWN_SHARE
    ? 'Its own code kept it busy: look for work that takes long without a pause'
    : 'This process hardly ran meanwhile: it was stopped, starved of processor time, or waited in a synchronous call';
}
