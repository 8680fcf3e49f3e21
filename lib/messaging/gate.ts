interface Waiting {
  readonly from: string | undefined;
  readonly run: () => void;
}

/** Holds back what comes before the app is ready for it, in order. Who sends it keeps to its window meanwhile. */
export class Gate {
  private waiting: Waiting[] | undefined = [];

  get isOpen(): boolean {
    return this.waiting === undefined;
  }

  /** What waits. */
  get size(): number {
    return this.waiting?.length ?? 0;
  }

  /**
   * Runs `work` now, or when the gate opens; then its promise says when that has ended. `work` does not throw.
   *
   * @param from whose work it is: see `drop`
   */
  pass(work: () => unknown, from?: string): unknown {
    if (!this.waiting) return work();
    return new Promise((resolve) => this.waiting!.push({ from, run: () => resolve(work()) }));
  }

  /** Forgets what waits of this one: it is gone, and would be kept for nothing, as often as it comes back. */
  drop(from: string): void {
    if (this.waiting) this.waiting = this.waiting.filter((each) => each.from !== from);
  }

  open(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const { run } of waiting) run();
  }
}
