/** A step of the clock counts as so much at most: a process that is stopped does not notice how long. */
const MAX_STEP_MS = 500;
/** After standing still a process is this long out of date about the others. */
const CATCH_UP_MS = 1_000;

interface Pending {
  readonly what: string;
  readonly dueAtMs: number;
  isTold: boolean;
}

/** Finds what does not end in its time. Time in which the process itself stood still does not count. */
export class PendingWatch {
  private readonly pending = new Set<Pending>();
  private awakeMs = 0;
  private lastMs: number;
  private stoodStillAtMs = -Infinity;

  constructor(
    nowMs: number,
    private readonly fault: (text: string) => void,
  ) {
    this.lastMs = nowMs;
  }

  get size(): number {
    return this.pending.size;
  }

  /** Something begins that has to end within so long. Returns the function that says that it did. */
  begin(what: string, withinMs: number): () => void {
    const one = { what, dueAtMs: this.awakeMs + withinMs, isTold: false };
    this.pending.add(one);
    return () => void this.pending.delete(one);
  }

  /** To be called several times a second. */
  look(nowMs: number): void {
    this.awakeMs += Math.min(nowMs - this.lastMs, MAX_STEP_MS);
    if (nowMs - this.lastMs > MAX_STEP_MS) this.stoodStillAtMs = nowMs;
    this.lastMs = nowMs;
    for (const one of this.pending) {
      if (one.isTold || one.dueAtMs > this.awakeMs) continue;
      one.isTold = true;
      this.fault(`${one.what} did not end in its time`);
    }
  }

  /** Whether this process stood still since then, or so shortly before that it did not know how the others are. */
  stoodStillSince(ms: number): boolean {
    return this.stoodStillAtMs > ms - CATCH_UP_MS;
  }

  /** What has not ended yet. */
  describe(): string[] {
    return Array.from(this.pending, ({ what }) => what);
  }
}
