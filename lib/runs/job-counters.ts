import { describeError } from '../errors/thrown.js';
import type { RunKey } from './core/run.types.js';
import type { JobStats, RunEvent, RunSkipReason } from './run.events.js';

/** Each call of `once()` has a key of its own: they are counted together. */
export const ONCE_JOB = 'once()';

/** Other nodes tell of jobs that this one does not have: beyond so many they are counted together. */
const MOST_JOBS = 500;
const OTHER_JOBS = 'other';

/** Distributes over the kinds of events. */
type Told<T> = T extends unknown ? Omit<T, 'at' | 'job' | 'dueAt' | 'key'> : never;

/** What is told of a run. */
export type ToldRun = Told<RunEvent>;

type Counts = { -readonly [Key in keyof Omit<JobStats, 'skipped'>]: JobStats[Key] } & {
  readonly skipped: Record<RunSkipReason, number>;
};

/** Counts runs by their job. */
export class JobCounters {
  private readonly jobs = new Map<string, Counts>();

  /** It is there, though nothing may be due for long. */
  add(job: string): void {
    this.of(job);
  }

  hear(run: RunKey, told: ToldRun, nowMs: number): void {
    const counts = this.of(jobOf(run));
    const dueAt = new Date(run.dueMs === 0 ? nowMs : run.dueMs);
    switch (told.type) {
      case 'started':
        counts.started += 1;
        counts.running += 1;
        counts.last = { dueAt, startedAt: new Date(nowMs) };
        return;
      case 'finished': {
        const { tookMs } = told;
        const hasFailed = 'error' in told;
        counts.finished += 1;
        counts.running -= 1;
        if (hasFailed) counts.failed += 1;
        const ended = { dueAt, startedAt: new Date(nowMs - tookMs), tookMs };
        counts.last = hasFailed ? { ...ended, error: describeError(told.error) } : ended;
        return;
      }
      case 'skipped':
        counts.skipped[told.reason] += 1;
        return;
      case 'duplicate':
        counts.duplicates += 1;
    }
  }

  snapshot(): JobStats[] {
    return Array.from(this.jobs.values(), (counts) => ({ ...counts, skipped: { ...counts.skipped } }));
  }

  private of(name: string): Counts {
    const job = this.jobs.has(name) || this.jobs.size < MOST_JOBS ? name : OTHER_JOBS;
    const known = this.jobs.get(job);
    if (known) return known;
    const counts = { job, started: 0, finished: 0, failed: 0, running: 0, duplicates: 0, skipped: noSkips() };
    this.jobs.set(job, counts);
    return counts;
  }
}

/** The job as metrics and the dashboard have it: there are few of them. */
export function jobOf({ job, dueMs }: RunKey): string {
  return dueMs === 0 ? ONCE_JOB : job;
}

function noSkips(): Record<RunSkipReason, number> {
  return { elsewhere: 0, lost: 0, unsure: 0, 'no quorum': 0, store: 0, stale: 0, leaving: 0 };
}
