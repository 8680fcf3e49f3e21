import type { SchedulerRegistry } from '@nestjs/schedule';
import { POLL_TIMEOUT_NAME } from '../peerage.constants.js';
import { jittered } from './timing.js';

type Timeout = ReturnType<typeof setTimeout>;

/**
 * Runs the poll again and again, as a timeout in a `SchedulerRegistry` that each run replaces. Whoever
 * deletes that timeout from the registry ends it.
 */
export class PollSchedule {
  private timeout: Timeout | undefined;

  constructor(
    private readonly registry: SchedulerRegistry,
    private readonly options: {
      readonly intervalMs: number;
      readonly syncOffsetMs: number;
      readonly random: () => number;
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
    clearTimeout(timeout);
  }

  private arm(ms: number): void {
    const timeout: Timeout = setTimeout(() => void this.fire(timeout), ms);
    this.timeout = timeout;
    try {
      this.registry.addTimeout(POLL_TIMEOUT_NAME, timeout);
    } catch (error) {
      clearTimeout(timeout);
      this.timeout = undefined;
      throw error;
    }
  }

  /** The timeout stays registered while it runs, so that deleting it counts at any time. */
  private async fire(timeout: Timeout): Promise<void> {
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
