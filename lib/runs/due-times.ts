import type { SchedulerRegistry } from '@nestjs/schedule';

type CronJob = ReturnType<SchedulerRegistry['getCronJob']>;
type CronTime = CronJob['cronTime'];
type LuxonDate = ReturnType<CronTime['getNextDateFrom']>;

/** What a call of the schedule is for. */
export interface Fired {
  readonly dueMs: number;
  /** How late its timer was. */
  readonly lateByMs: number;
}

/** The times at which a schedule says a job is due: the same on every node. Dates in milliseconds. */
export interface DueTimes {
  /** The schedule has just called: for which time? */
  fired(nowMs: number): Fired;
  /** Whether it will call for this time, now or later. */
  willFire(dueMs: number): boolean;
  /** The last time before now, if that is known. */
  last(nowMs: number): number | undefined;
}

/** What a timer may be early, by the clock that is read after it. */
const EARLY_MS = 20;

/** No timer is that late: it was set for something else. */
const VERY_LATE_MS = 60_000;

/** How far back the last due time is looked for: each step holds some sixty of the one before. */
const STEPS_MS = [2e3, 61e3, 3_601e3, 90e6, 33 * 86_400e3, 367 * 86_400e3];

/** Of `@Cron()`: what the expression says. */
export class CronDues implements DueTimes {
  /** What the timer that runs is set for. */
  private nextMs: number | undefined;
  /** Any time in the zone of the job: to have the expression make one takes as long as the next due time. */
  private zoned: { readonly cronTime: CronTime; readonly at: LuxonDate } | undefined;

  /** @param find the job in the app's registry; it may be there later, and be replaced */
  constructor(
    private readonly find: () => CronJob | undefined,
    private readonly bornAtMs: number,
  ) {}

  fired(nowMs: number): Fired {
    const expectedMs = this.expected();
    const lateMs = nowMs - (expectedMs ?? Infinity);
    // One that was set anew, begun later, or called by the app, is for the last time that there was.
    const isInTime = lateMs >= -EARLY_MS && lateMs < VERY_LATE_MS;
    const dueMs = (isInTime ? expectedMs : this.last(nowMs + EARLY_MS)) ?? nowMs;
    this.nextMs = this.after(nowMs + EARLY_MS);
    return { dueMs, lateByMs: dueMs === expectedMs ? Math.max(0, lateMs) : 0 };
  }

  willFire(dueMs: number): boolean {
    const nextMs = this.expected();
    return this.find()?.isActive === true && nextMs !== undefined && nextMs <= dueMs;
  }

  last(nowMs: number): number | undefined {
    for (const stepMs of STEPS_MS) {
      let lastMs: number | undefined;
      for (let ms = this.after(nowMs - stepMs); ms !== undefined && ms <= nowMs; ms = this.after(ms))
        lastMs = ms;
      if (lastMs !== undefined) return lastMs;
    }
    return undefined;
  }

  private expected(): number | undefined {
    this.nextMs ??= this.after(this.bornAtMs);
    return this.nextMs;
  }

  private after(ms: number): number | undefined {
    const cronTime = this.find()?.cronTime;
    if (!cronTime) return undefined;
    if (cronTime.realDate) {
      const dateMs = (cronTime.source as unknown as LuxonDate).toMillis();
      return dateMs > ms ? dateMs : undefined;
    }
    if (this.zoned?.cronTime !== cronTime) this.zoned = { cronTime, at: cronTime.sendAt() };
    const { at } = this.zoned;
    return cronTime.getNextDateFrom(at.plus({ milliseconds: ms - at.toMillis() })).toMillis();
  }
}

/** Of `@Interval()`: nodes begin at any time, so each time that an interval could begin stands for it. */
export class IntervalDues implements DueTimes {
  private lastSlotMs = -Infinity;

  constructor(private readonly intervalMs: number) {}

  fired(nowMs: number): Fired {
    this.lastSlotMs = Math.floor(nowMs / this.intervalMs) * this.intervalMs;
    return { dueMs: this.lastSlotMs, lateByMs: 0 };
  }

  willFire(dueMs: number): boolean {
    return this.lastSlotMs < dueMs;
  }

  last(): undefined {
    return undefined;
  }
}

/** Of `@Timeout()`, and of methods without a schedule: there is one time only. */
export class OneDue implements DueTimes {
  private hasFired = false;

  fired(): Fired {
    this.hasFired = true;
    return { dueMs: 0, lateByMs: 0 };
  }

  willFire(): boolean {
    return !this.hasFired;
  }

  last(): undefined {
    return undefined;
  }
}

/** The job of a method: by its name, or one with the same expression, which has the same due times. */
export function findCronJob(
  registry: SchedulerRegistry,
  { name, cronTime }: { readonly name?: string | undefined; readonly cronTime: unknown },
): CronJob | undefined {
  const jobs = registry.getCronJobs();
  if (name !== undefined && jobs.has(name)) return jobs.get(name);
  return [...jobs.values()].find(({ cronTime: { source } }) => isSame(source, cronTime));
}

function isSame(source: unknown, cronTime: unknown): boolean {
  if (typeof source === 'string') return source === cronTime;
  return (source as LuxonDate).toMillis() === Number(cronTime);
}
