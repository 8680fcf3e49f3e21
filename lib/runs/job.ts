import type { SchedulerRegistry } from '@nestjs/schedule';
import { KEEP_MS } from './core/run.types.js';
import type { RunRules } from './core/run.types.js';
import { CronDues, IntervalDues, OneDue, findCronJob } from './due-times.js';
import type { DueTimes } from './due-times.js';
import type { RunOnceOptions } from './run-once.decorator.js';

/** How long blocked nodes are waited for, when nobody says otherwise. */
export const DEFAULT_LATE_MS = 30_000;

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

/** @param registry of the app's scheduler, once there is one */
export function jobOf(
  name: string,
  options: RunOnceOptions,
  method: object,
  { registry, nowMs }: { readonly registry: () => SchedulerRegistry | undefined; readonly nowMs: number },
): Job {
  const { onLoss = 'skip', lateMs = DEFAULT_LATE_MS, spread = false, store } = options;
  const rules: RunRules = {
    onLoss,
    lateMs,
    spread,
    isDirect: false,
    isStored: store !== undefined,
    keepMs: KEEP_MS,
  };
  return { name, options, rules, dues: duesOf(method, registry, nowMs) };
}

function duesOf(method: object, registry: () => SchedulerRegistry | undefined, nowMs: number): DueTimes {
  const cron = Reflect.getMetadata(CRON, method) as { name?: string; cronTime: unknown } | undefined;
  if (cron) {
    const find = () => {
      const jobs = registry();
      return jobs && findCronJob(jobs, cron);
    };
    return new CronDues(find, nowMs);
  }
  const interval = Reflect.getMetadata(INTERVAL, method) as { timeout: number } | undefined;
  return interval ? new IntervalDues(interval.timeout) : new OneDue();
}
