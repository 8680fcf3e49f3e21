import type { Clock } from '../time/clock.js';
import { Repeats, sinceThen } from '../time/repeats.js';
import { duration } from '../time/seconds.js';

/** A provider that has not failed for so long is well again: its next failure is news. */
const OVER_MS = 60_000;
/** One that fails now and then is told of so often… */
const AGAIN_MS = 10 * 60_000;
/** …and when one of its failures lasts. */
const LASTS_MS = 30_000;

/**
 * Says which failures of providers are worth a line: one that fails at every second poll would have two lines for each,
 * day and night.
 */
export class ProviderLog {
  private readonly repeats = new Repeats(OVER_MS, AGAIN_MS);
  /** Those that fail: it was told, or how to take back that it will be. */
  private readonly failing = new Map<string, 'told' | (() => void)>();

  constructor(
    private readonly logger: { warn(message: string): void; log(message: string): void },
    private readonly clock: Clock,
  ) {}

  failed(provider: string, why: string): void {
    const state = this.failing.get(provider);
    // It fails for another cause.
    if (state === 'told') return this.tell(provider, why);
    state?.();
    const { isNews, goesOn } = this.repeats.count(provider, this.clock.now());
    if (isNews) return this.tell(provider, `${why}${sinceThen(goesOn)}`);
    const tell = (): void => this.tell(provider, why);
    this.failing.set(provider, this.clock.after(LASTS_MS, tell, true));
  }

  recovered(provider: string, failedForMs: number): void {
    const state = this.failing.get(provider);
    this.failing.delete(provider);
    if (state === 'told')
      this.logger.log(`Provider ${provider} works again; it had failed for ${duration(failedForMs)}`);
    else state?.();
  }

  /** Nothing is told any more. */
  stop(): void {
    for (const state of this.failing.values()) if (state !== 'told') state();
    this.failing.clear();
  }

  private tell(provider: string, why: string): void {
    this.failing.set(provider, 'told');
    this.repeats.told(provider, this.clock.now());
    this.logger.warn(`Provider ${provider} failed: ${why}`);
  }
}
