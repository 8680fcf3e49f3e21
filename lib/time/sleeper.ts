import { onAbort } from './abortable.js';
import { sleep } from './waiting.js';

/** Sleeps between two rounds of a loop that others may wake, and that ends when its signal aborts. */
export class Sleeper {
  private isWoken = false;
  private endSleep: () => void = () => {};

  constructor(private readonly signal: AbortSignal) {}

  /** A round begins, which takes care of whatever woke it before. */
  beginRound(): void {
    this.isWoken = false;
  }

  /** Ends the sleep; or the next one at its beginning, when there is none. */
  wake(): void {
    this.isWoken = true;
    this.endSleep();
  }

  /**
   * Waits for so long, or until it is woken or the signal aborts. Never rejects.
   *
   * @returns whether it was woken
   */
  async sleep(ms: number): Promise<boolean> {
    if (!this.isWoken && !this.signal.aborted) {
      const ended = new AbortController();
      this.endSleep = () => ended.abort();
      const unlisten = onAbort(this.signal, this.endSleep);
      await sleep(ms, ended.signal);
      unlisten();
    }
    const { isWoken } = this;
    this.isWoken = false;
    return isWoken;
  }
}
