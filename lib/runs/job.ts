import type { SchedulerRegistry } from '@nestjs/schedule';
import { PeerageError } from '../errors/peerage-error.js';
import { KEEP_MS } from './core/run.types.js';
import type { RunRules } from './core/run.types.js';
import { CronDues, IntervalDues, OneDue, findCronJob, timerMs } from './due-times.js';
import type { CronOptions, DueTimes } from './due-times.js';
import type { RunOnceOptions } from './run-once.decorator.js';

/** How long blocked nodes are waited for, when nobody says otherwise. */
export const DEFAULT_LATE_MS = 30_000;

/** For the first in order to come to an interval by its own schedule nodes wait no longer than this. */
const MAX_WAIT_MS = 5 * 60_000;

/** A decorated method of one instance. */
export interface Job {
  readonly name: string;
  readonly options: RunOnceOptions;
  readonly rules: RunRules;
  readonly dues: DueTimes;
}

/** What `@nestjs/schedule` keeps at a method. Its keys are the same in versions 6 and 12. */
const CRON = 'SCHEDULE_CRON_OPTIONS';
const INTERVAL = 'SCHEDULE_INTERVAL_OPTIONS';

/**
 * @param registry of the app's scheduler, once there is one
 * @throws PeerageError `INVALID_OPTIONS` when it has a store and no due times
 */
export function jobOf(
  name: string,
  options: RunOnceOptions,
  method: object,
  { registry, nowMs }: { readonly registry: () => SchedulerRegistry | undefined; readonly nowMs: number },
): Job {
  const { onLoss = 'skip', lateMs = DEFAULT_LATE_MS, spread = false, store } = options;
  const cron = Reflect.getMetadata(CRON, method) as CronOptions | undefined;
  const interval = Reflect.getMetadata(INTERVAL, method) as { timeout: number } | undefined;
  if (store && !cron && !interval)
    throw new PeerageError(
      'INVALID_OPTIONS',
      `@RunOnce(): the job "${name}" has a store, and no @Cron() or @Interval(): without due times it would be claimed ` +
        'once and never again.',
    );
  const intervalMs = interval && !cron ? timerMs(interval.timeout) : 0;
  const rules: RunRules = {
    onLoss,
    lateMs,
    spread,
    isDirect: intervalMs > MAX_WAIT_MS,
    isOnce: false,
    isStored: store !== undefined,
    // However late in an interval a node comes to it.
    keepMs: Math.max(KEEP_MS, 2 * intervalMs),
  };
  const find = () => {
    const jobs = registry();
    return jobs && cron && findCronJob(jobs, cron);
  };
  const unplanned = interval ? new IntervalDues(intervalMs) : new OneDue();
  return { name, options, rules, dues: cron ? new CronDues(find, nowMs) : unplanned };
}
