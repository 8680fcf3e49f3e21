import { VirtualClock, turn } from './virtual-clock.js';

/** So many turns without anything due, and nothing is under way any more. */
const QUIET_TURNS = 3;

/** The time of a cluster under test: it stands still until it is moved, and what is due now fires by itself. */
export class ClusterClock extends VirtualClock {
  private readonly originMs = Date.now();
  private isPumping = false;
  /** One move at a time. */
  private moving: Promise<void> = Promise.resolve();

  /** The date by which events go: it begins with the cluster and moves with its time. */
  date(): number {
    return this.originMs + this.now();
  }

  override after(ms: number, callback: () => void): () => void {
    const cancel = super.after(ms, callback);
    if (ms <= 0) void this.pump();
    return cancel;
  }

  /** Moves time on by `ms`. */
  move(ms: number): Promise<void> {
    const moved = this.moving.then(() => this.advanceAsync(ms));
    this.moving = moved.catch(() => {});
    return moved;
  }

  /** Waits until nothing more happens at this instant. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await turn();
      while (this.fireNext(this.now())) {
        quiet = 0;
        await turn();
      }
    }
  }

  private async pump(): Promise<void> {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      await turn();
      while (this.fireNext(this.now())) await turn();
    } finally {
      this.isPumping = false;
    }
  }
}
