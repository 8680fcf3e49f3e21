/** Holds back what comes before the app is ready for it, in order. */
export class Gate {
  private waiting: (() => void)[] | undefined = [];

  get isOpen(): boolean {
    return this.waiting === undefined;
  }

  /** Runs `work` now, or when the gate opens; then its promise says when that has ended. `work` does not throw. */
  pass(work: () => unknown): unknown {
    if (!this.waiting) return work();
    return new Promise((resolve) => this.waiting!.push(() => resolve(work())));
  }

  open(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const run of waiting) run();
  }
}
