import type { Clock } from '../time/clock.js';
import { sleep } from '../time/waiting.js';

/**
 * Who has just heard that a node shuts down may have sent it a request before: when none came for this long, it is
 * taken that none is on its way any more. A guess, not a bound: a request that is longer on its way fails with
 * `PEER_GONE`, unless something else still keeps the node.
 */
const QUIET_MS = 100;

/** Who keeps sending all the same is not waited for longer than this. */
const PATIENCE_MS = 1_000;

/** What others asked of this node, and is not done. */
export class Work {
  private running = 0;
  private begun = 0;
  private waiting: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.running;
  }

  begin(): void {
    this.running += 1;
    this.begun += 1;
  }

  /** Bound, so that it can be handed on. */
  readonly end = (): void => {
    this.running -= 1;
    if (this.running === 0) for (const resolve of this.waiting.splice(0)) resolve();
  };

  /** Resolves when all is done, and nothing more comes. Other nodes have been asked to send no more. */
  async finished(): Promise<void> {
    const untilMs = this.clock.now() + PATIENCE_MS;
    for (;;) {
      await this.done();
      if (this.clock.now() >= untilMs) return;
      const { begun } = this;
      await sleep(QUIET_MS, undefined, this.clock);
      if (this.running === 0 && this.begun === begun) return;
    }
  }

  /** Resolves when nothing is under way. */
  async done(): Promise<void> {
    while (this.running > 0) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
      // What waited for its turn begins now.
      await sleep(0, undefined, this.clock);
    }
  }
}
