import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { SchedulerRegistry } from '@nestjs/schedule';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CronDues, IntervalDues, OneDue, findCronJob, timerMs } from '../../../lib/runs/due-times.js';

type CronJob = ReturnType<SchedulerRegistry['getCronJob']>;
interface Cron {
  readonly CronJob: { from(options: object): CronJob };
}

/** The `cron` that `@nestjs/schedule` uses. */
const { CronJob } = createRequire(fileURLToPath(import.meta.resolve('@nestjs/schedule')))('cron') as Cron;

const jobOf = (cronTime: string | Date, timeZone?: string): CronJob =>
  CronJob.from({ cronTime, onTick: () => {}, start: false, ...(timeZone !== undefined && { timeZone }) });

/** Also in zones whose clocks change. */
const jobs = [
  jobOf('* * * * * *'),
  jobOf('*/7 * * * * *'),
  jobOf('0 */5 * * * *'),
  jobOf('30 2 * * *', 'Europe/Berlin'),
  jobOf('*/30 * * * *', 'Europe/Berlin'),
  jobOf('0 9 * * 1-5', 'America/New_York'),
  jobOf('0 0 1 * *', 'Asia/Tokyo'),
];
/** The time that its expression gives after any other. */
const nextOf =
  ({ cronTime }: CronJob) =>
  (ms: number): number => {
    const at = cronTime.sendAt();
    return cronTime.getNextDateFrom(at.plus({ milliseconds: ms - at.toMillis() })).toMillis();
  };
/** When the clocks of Berlin go forward, and back. */
const CHANGES = [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)];
const HOUR_MS = 3_600_000;
const date = fc.oneof(
  fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 11, 31) }),
  fc
    .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -3 * HOUR_MS, max: 3 * HOUR_MS }))
    .map(([changeMs, ms]) => changeMs + ms),
);

describe('the due time of a cron job', () => {
  it('is what the timer was set for, however late that is, for each of a row', () => {
    const lateness = fc.array(fc.integer({ min: -10, max: 900 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...jobs), date, lateness, (job, bornAtMs, lates) => {
        const dues = new CronDues(() => job, bornAtMs);
        const next = nextOf(job);
        let dueMs = next(bornAtMs);
        for (const lateMs of lates) {
          expect(dues.fired(dueMs + lateMs)).toEqual({ dueMs, lateByMs: Math.max(0, lateMs) });
          dueMs = next(dueMs + lateMs + 20);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is the last one when the timer is later than any timer is, or the app calls by itself', () => {
    fc.assert(
      fc.property(fc.constantFrom(...jobs), date, (job, nowMs) => {
        const dues = new CronDues(() => job, nowMs - 40 * 86_400_000);
        // A timer may be early by that much.
        const lastMs = dues.last(nowMs + 20)!;
        expect(lastMs).toBeLessThanOrEqual(nowMs + 20);
        expect(nextOf(job)(lastMs)).toBeGreaterThan(nowMs + 20);
        expect(dues.fired(nowMs).dueMs).toBe(lastMs);
      }),
      { numRuns: 50 },
    );
  });

  it('is the last one when the schedule passed over some, and as late as that is; called by the app it is not late', () => {
    const born = Date.UTC(2026, 5, 2, 4, 30);
    const later = Date.UTC(2026, 5, 2, 7, 20);
    for (const start of [true, false]) {
      const hourly = CronJob.from({ cronTime: '0 * * * *', onTick: () => {}, start });
      const dues = new CronDues(() => hourly, born);
      const lateByMs = start ? 20 * 60_000 : 0;
      expect(dues.fired(later)).toEqual({ dueMs: Date.UTC(2026, 5, 2, 7), lateByMs });
      expect(dues.fired(later + 60_000)).toEqual({ dueMs: Date.UTC(2026, 5, 2, 7), lateByMs: 0 });
      void hourly.stop();
    }
  });

  it('is passed over while the run before is under way, when the job waits for completion', () => {
    for (const waitForCompletion of [true, false]) {
      const onTick = (): void => {};
      const job = CronJob.from({ cronTime: '* * * * * *', onTick, start: false, waitForCompletion });
      const dues = new CronDues(() => job, 0);
      const end = dues.begins(1_000);
      expect(dues.passesOver(1_000, 2_500)).toBe(false);
      expect(dues.passesOver(2_000, 2_500)).toBe(waitForCompletion);
      expect(dues.passesOver(3_000, 2_500)).toBe(false);
      end(3_500);
      expect(dues.passesOver(3_000, 9_000)).toBe(waitForCompletion);
      expect(dues.passesOver(4_000, 9_000)).toBe(false);
    }
  });

  it('that was missed is none of a job that is not scheduled', () => {
    for (const start of [true, false]) {
      const job = CronJob.from({ cronTime: '0 4 * * *', onTick: () => {}, start });
      expect(new CronDues(() => job, 0).missed(Date.now()) !== undefined).toBe(start);
      void job.stop();
    }
  });

  it('is found at the cost of a few dozen looks at the expression, however often that is due', () => {
    const nowMs = Date.UTC(2026, 10, 26, 7, 3);
    for (const expression of ['*/10 * 8-18 * * 1,2', '* * * * * 0', '0 0 29 2 *', '* * * 1 1 *']) {
      const job = jobOf(expression, 'UTC');
      let looks = 0;
      const { cronTime } = job;
      const next = cronTime.getNextDateFrom.bind(cronTime);
      cronTime.getNextDateFrom = (...args) => {
        looks += 1;
        return next(...args);
      };
      const lastMs = new CronDues(() => job, 0).last(nowMs)!;
      expect(looks).toBeLessThan(50);
      expect(lastMs).toBeLessThanOrEqual(nowMs);
      expect(nextOf(job)(lastMs)).toBeGreaterThan(nowMs);
    }
  });

  it('is overdue when its own timer comes hours late', () => {
    const daily = jobOf('0 4 * * *', 'UTC');
    const four = Date.UTC(2026, 5, 2, 4);
    const dues = new CronDues(() => daily, four - 3_600_000);
    expect(dues.fired(four + 5 * 3_600_000)).toEqual({ dueMs: four, lateByMs: 5 * 3_600_000 });
  });

  it('is found by the name of the job, or by an expression that is the same', () => {
    const named = jobOf('0 0 1 1 *');
    const registry = {
      getCronJobs: () => new Map([['a', named], ...jobs.map((job, i) => [`${i}`, job] as const)]),
    } as unknown as SchedulerRegistry;
    expect(findCronJob(registry, { name: 'a', cronTime: 'changed since' })).toBe(named);
    expect(findCronJob(registry, { cronTime: '*/7 * * * * *' })).toBe(jobs[1]);
    expect(findCronJob(registry, { cronTime: '30 2 * * *', timeZone: 'Europe/Berlin' })).toBe(jobs[3]);
    const at = new Date(Date.now() + 86_400_000);
    const single = jobOf(at);
    expect(findCronJob({ getCronJobs: () => new Map([['x', single]]) } as never, { cronTime: at })).toBe(
      single,
    );
    expect(new CronDues(() => single, Date.now()).fired(at.getTime() + 5)).toEqual({
      dueMs: at.getTime(),
      lateByMs: 5,
    });
  });
});

it('of two jobs with one expression is by the zone of each', () => {
  const options = [
    { timeZone: 'Europe/Berlin' },
    { timeZone: 'America/New_York' },
    { utcOffset: 330 },
    {},
    { waitForCompletion: true },
  ];
  const all = options.map((each) =>
    CronJob.from({ cronTime: '0 4 * * *', onTick: () => {}, start: false, ...each }),
  );
  const registry = {
    getCronJobs: () => new Map(all.map((job, i) => [`${i}`, job])),
  } as unknown as SchedulerRegistry;
  for (const [i, each] of options.entries())
    expect(findCronJob(registry, { cronTime: '0 4 * * *', disabled: true, ...each })).toBe(all[i]);
  expect(findCronJob(registry, { cronTime: '0 4 * * *', timeZone: 'Asia/Tokyo' })).toBeUndefined();
});

it('of an interval, nodes that begin at other moments have the same', () => {
  const [a, b] = [new IntervalDues(5_000), new IntervalDues(5_000)];
  expect(a.fired(12_001)).toEqual({ dueMs: 10_000, lateByMs: 0 });
  expect(b.willFire(10_000)).toBe(true);
  expect(b.fired(14_900)).toEqual({ dueMs: 10_000, lateByMs: 0 });
  expect([b.willFire(10_000), b.willFire(15_000)]).toEqual([false, true]);
});

it('of an interval is a whole number, whatever its length', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double(), fc.double({ min: 0, max: 1e9 })),
      fc.integer({ min: 1e12, max: 2e12 }),
      (ms, nowMs) => {
        const { dueMs } = new IntervalDues(timerMs(ms)).fired(nowMs);
        expect(Number.isSafeInteger(dueMs)).toBe(true);
        expect(dueMs).toBeLessThanOrEqual(nowMs);
      },
    ),
  );
});

it('of a timeout, there is one', () => {
  const due = new OneDue();
  expect(due.willFire()).toBe(true);
  expect(due.fired()).toEqual({ dueMs: 0, lateByMs: 0 });
  expect(due.willFire()).toBe(false);
});
