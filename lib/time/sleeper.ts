import { onAbort } from './abortable.js';

/** Sleeps between two rounds of a loop that others may wake, and that ends when its signal aborts. */
export class Sleeper {
  /** Ends the sleep, if there is one. */
  wake: () => void = () => {};

  constructor(private readonly signal: AbortSignal) {}

  /** Waits for so long, or until `wake` is called or the signal aborts. Never rejects. */
  sleep(ms: number): Promise<void> {
    const { signal } = this;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        endWaiting();
        resolve();
      };
      const timer = setTimeout(end, ms);
      const endWaiting = onAbort(signal, end);
      this.wake = end;
    });
  }
}
