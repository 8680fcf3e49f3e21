import type { Logger } from '@nestjs/common';
import { Subject } from 'rxjs';
import { Repeats, sinceThen } from '../time/repeats.js';
import type { RunKey, SkipReason } from './core/run.types.js';
import { JobCounters } from './job-counters.js';
import type { ToldRun } from './job-counters.js';
import type { RunContext } from './run-once.decorator.js';
import type { RunEvent, RunTotals } from './run.events.js';

/** What somebody should look at, in words. */
const CONCERNS: Readonly<Partial<Record<SkipReason, string>>> = {
  lost: 'ended before it was done, so it may not have been run (onLoss: skip)',
  unsure: 'others did not answer in time',
  'no quorum': 'fewer than a majority is here',
  store: 'the store did not answer in time',
  stale: 'it is overdue by too much',
};

/** So many characters of a boot id are shown. */
const SHOWN_ID = 8;

/** Skips of one job for one reason, as in a split, are told so often while they go on. */
const AGAIN_MS = 10 * 60_000;
/** A job that is due each minute goes on, too. */
const OVER_MS = 150_000;

/** Tells the app of runs: as events, as totals, and in the log. */
export class RunReports {
  private readonly subject = new Subject<RunEvent>();
  private readonly counts: Record<RunEvent['type'], number> = {
    started: 0,
    finished: 0,
    skipped: 0,
    duplicate: 0,
  };
  readonly runs$ = this.subject.asObservable();
  private readonly repeats = new Repeats(OVER_MS, AGAIN_MS);
  /** By job. */
  readonly jobs = new JobCounters();

  constructor(
    private readonly log: Pick<Logger, 'warn'>,
    private readonly dateMs: () => number,
  ) {}

  get totals(): RunTotals {
    return { ...this.counts };
  }

  tell(run: RunKey, told: ToldRun): void {
    const nowMs = this.dateMs();
    this.counts[told.type] += 1;
    this.jobs.hear(run, told, nowMs);
    this.say(run, told, nowMs);
    this.subject.next({ ...told, at: new Date(nowMs), job: run.job, ...contextOf(run) });
  }

  complete(): void {
    this.subject.complete();
  }

  /** What is as it should be is told by events only: a job may be due every second. */
  private say(run: RunKey, told: ToldRun, nowMs: number): void {
    const { key } = contextOf(run);
    if (told.type === 'duplicate')
      this.log.warn(
        `${key} was run twice, while the network was split: by ${told.by.map(inWords).join(' and ')}`,
      );
    if (told.type !== 'skipped') return;
    const { reason, by } = told;
    const concern = CONCERNS[reason];
    if (concern === undefined) return;
    const kind = `${run.job} ${reason}`;
    const { isNews, goesOn } = this.repeats.count(kind, nowMs);
    if (!isNews) return;
    this.repeats.sweep(nowMs);
    this.repeats.told(kind, nowMs);
    this.log.warn(
      `${key} is skipped: ${by === undefined ? '' : `${inWords(by)} `}${concern}${sinceThen(goesOn)}`,
    );
  }
}

/** Others tell of the runs of nodes that were never seen here: of those there is no name, but the boot id. */
function inWords(node: string): string {
  return node.includes('@')
    ? node
    : `a node that this one has never met (boot id ${node.slice(0, SHOWN_ID)})`;
}

/** What a run is called with. */
export function contextOf({ job, dueMs }: RunKey): RunContext {
  const dueAt = new Date(dueMs);
  return { dueAt, key: dueMs === 0 ? job : `${job}@${dueAt.toISOString()}` };
}
