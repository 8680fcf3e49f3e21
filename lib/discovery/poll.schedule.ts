import type { SchedulerRegistry } from '@nestjs/schedule';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/clock.js';
import { POLL_TIMEOUT_NAME } from '../peerage.constants.js';
import { jittered } from '../time/waiting.js';

type Timeout = ReturnType<typeof setTimeout>;

/**
 * Runs the poll again and again, as a timeout in a `SchedulerRegistry` that each run replaces. Whoever
 * deletes that timeout from the registry ends it.
 */
export class PollSchedule {
  private timeout: Timeout | undefined;
  private cancel: () => void = () => {};

  constructor(
    private readonly registry: SchedulerRegistry,
    private readonly options: {
      readonly intervalMs: number;
      readonly syncOffsetMs: number;
      readonly random: () => number;
      /** @default the system's */
      readonly clock?: Clock;
    },
    /** Must not reject. */
    private readonly run: () => Promise<void>,
  ) {}

  /** @throws when the app has a timeout of that name already. */
  start(): void {
    this.arm(this.options.syncOffsetMs);
  }

  stop(): void {
    const { timeout } = this;
    this.timeout = undefined;
    if (timeout === undefined) return;
    if (this.holds(timeout)) this.registry.deleteTimeout(POLL_TIMEOUT_NAME);
    this.cancel();
  }

  private arm(ms: number): void {
    const timeout = this.set(ms, () => void this.fire(timeout));
    this.timeout = timeout;
    try {
      this.registry.addTimeout(POLL_TIMEOUT_NAME, timeout);
    } catch (error) {
      this.cancel();
      this.timeout = undefined;
      throw error;
    }
  }

  /** The registry wants a timeout of Node's. By another clock, one that has ended stands for the poll to come. */
  private set(ms: number, callback: () => void): Timeout {
    const { clock = systemClock } = this.options;
    const timeout = setTimeout(callback, ms);
    this.cancel = () => clearTimeout(timeout);
    if (clock !== systemClock) {
      clearTimeout(timeout);
      this.cancel = clock.after(ms, callback);
    }
    return timeout;
  }

  /** The timeout stays registered while it runs, so that deleting it counts at any time. */
  private async fire(timeout: Timeout): Promise<void> {
    if (!this.holds(timeout)) return;
    await this.run();
    if (this.timeout !== timeout || !this.holds(timeout)) return;
    this.registry.deleteTimeout(POLL_TIMEOUT_NAME);
    this.arm(jittered(this.options.intervalMs, this.options.random));
  }

  private holds(timeout: Timeout): boolean {
    const isThere = this.registry.doesExist('timeout', POLL_TIMEOUT_NAME);
    return isThere && this.registry.getTimeout(POLL_TIMEOUT_NAME) === timeout;
  }
}
