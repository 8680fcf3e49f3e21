import { isThenable } from '../time/waiting.js';

/** Does one thing after the other: in the same turn for as long as nothing takes time. */
export class InOrder {
  /** Resolves when all that was begun is done; none when it is. */
  private tail: Promise<void> | undefined;

  /** Makes a value, which may take time, and hands it over in its turn. */
  take<T>(
    make: () => T | PromiseLike<T>,
    deliver: (value: T) => void,
    failed: (error: unknown) => void,
  ): void {
    try {
      const made = make();
      if (!isThenable(made)) return this.after(() => deliver(made));
      const told = Promise.resolve(made).then(
        (value) => () => deliver(value),
        (error: unknown) => () => failed(error),
      );
      const before = this.tail;
      this.follow(told.then((tell) => (before ? before.then(tell) : tell())));
    } catch (error) {
      this.after(() => failed(error));
    }
  }

  /** Does this when all before is done. */
  after(work: () => void): void {
    if (this.tail) this.follow(this.tail.then(work));
    else work();
  }

  private follow(tail: Promise<void>): void {
    this.tail = tail;
    void tail.finally(() => {
      if (this.tail === tail) this.tail = undefined;
    });
  }
}
