import type { SchedulerRegistry } from '@nestjs/schedule';

type CronJob = ReturnType<SchedulerRegistry['getCronJob']>;
type CronTime = CronJob['cronTime'];
type LuxonDate = ReturnType<CronTime['getNextDateFrom']>;

/** What a call of the schedule is for. */
export interface Fired {
  readonly dueMs: number;
  /** How long ago that was, when the schedule waited for it. */
  readonly lateByMs: number;
}

/** The times at which a schedule says a job is due: the same on every node. Dates in milliseconds. */
export interface DueTimes {
  /** The schedule has just called: for which time? */
  fired(nowMs: number): Fired;
  /** Whether it will call for this time, now or later. */
  willFire(dueMs: number): boolean;
  /** The last time before now, if that is known and the job is scheduled here. */
  missed(nowMs: number): number | undefined;
  /** This node begins the run that is due then. Returns what is to be called at its end. */
  begins(dueMs: number): (nowMs: number) => void;
  /** Whether it calls for nothing then, as the run before has not ended. */
  passesOver(dueMs: number, nowMs: number): boolean;
}

/** Of what calls at any time. */
abstract class Unplanned {
  missed(): undefined {
    return undefined;
  }

  begins(): () => void {
    return () => {};
  }

  passesOver(): boolean {
    return false;
  }
}

/** What a timer may be early, by the clock that is read after it. */
const EARLY_MS = 20;

/** How far back the last due time is looked for: in the shortest of these that has one. */
const STEPS_MS = [2e3, 61e3, 3_601e3, 90e6, 33 * 86_400e3, 367 * 86_400e3, 1_462 * 86_400e3];

/** No two due times of an expression are closer. */
const SECOND_MS = 1_000;

/** So many runs of a job are remembered for what was passed over meanwhile: others may ask a little later. */
const MAX_SPANS = 4;

/** While this node was at work on a run that waits for completion, the schedule called for no other one. */
interface Span {
  readonly fromMs: number;
  toMs: number;
}

/** Of `@Cron()`: what the expression says. */
export class CronDues implements DueTimes {
  /** What is due next, as far as is known. */
  private nextMs: number | undefined;
  private readonly spans: Span[] = [];
  /** Any time in the zone of the job: to have the expression make one takes as long as the next due time. */
  private zoned: { readonly cronTime: CronTime; readonly at: LuxonDate } | undefined;

  /** @param find the job in the app's registry; it may be there later, and be replaced */
  constructor(
    private readonly find: () => CronJob | undefined,
    private readonly bornAtMs: number,
  ) {}

  /**
   * The last time that there was: its timer was set for that, or comes late. What it passed over meanwhile (stopped,
   * blocked, or while it waited for completion) is for others, whom this node tells that it will not come to it.
   */
  fired(nowMs: number): Fired {
    const expectedMs = this.expected();
    const nextMs = this.after(nowMs + EARLY_MS);
    const hasCome = expectedMs !== undefined && expectedMs <= nowMs + EARLY_MS;
    // Two due times are a second apart at least, and to ask the expression takes long.
    const isExpected =
      hasCome && (nowMs + EARLY_MS < expectedMs + SECOND_MS || this.after(expectedMs) === nextMs);
    const dueMs = (isExpected ? expectedMs : this.last(nowMs + EARLY_MS)) ?? nowMs;
    this.nextMs = nextMs;
    // What nothing was due for, or is stopped, the app has called: that is not late.
    const isByTimer = isExpected || (hasCome && this.find()?.isActive === true);
    return { dueMs, lateByMs: isByTimer ? Math.max(0, nowMs - dueMs) : 0 };
  }

  willFire(dueMs: number): boolean {
    const nextMs = this.expected();
    return this.find()?.isActive === true && nextMs !== undefined && nextMs <= dueMs;
  }

  begins(dueMs: number): (nowMs: number) => void {
    if (this.find()?.waitForCompletion !== true) return () => {};
    const span: Span = { fromMs: dueMs, toMs: Infinity };
    this.spans.push(span);
    if (this.spans.length > MAX_SPANS) this.spans.shift();
    return (nowMs) => (span.toMs = nowMs);
  }

  passesOver(dueMs: number, nowMs: number): boolean {
    return this.spans.some(({ fromMs, toMs }) => fromMs < dueMs && dueMs < Math.min(nowMs, toMs));
  }

  missed(nowMs: number): number | undefined {
    return this.find()?.isActive === true ? this.last(nowMs) : undefined;
  }

  last(nowMs: number): number | undefined {
    for (const stepMs of STEPS_MS) {
      const firstMs = this.after(nowMs - stepMs);
      if (firstMs !== undefined && firstMs <= nowMs) return this.lastFrom(firstMs, nowMs);
    }
    return undefined;
  }

  /** By halves: a month may have a hundred thousand due times, and a look at the expression takes long. */
  private lastFrom(firstMs: number, nowMs: number): number {
    let lastMs = firstMs;
    // None is due after this.
    let endMs = nowMs;
    while (endMs - lastMs >= SECOND_MS) {
      const middleMs = Math.floor((lastMs + endMs) / 2);
      const nextMs = this.after(middleMs);
      if (nextMs !== undefined && nextMs <= nowMs) lastMs = nextMs;
      else endMs = middleMs;
    }
    return lastMs;
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

/** What a timer of Node waits that is given this. */
export function timerMs(ms: number): number {
  return ms >= 1 && ms < 2 ** 31 ? Math.trunc(ms) : 1;
}

/** Of `@Interval()`: nodes begin at any time, so each time that an interval could begin stands for it. */
export class IntervalDues extends Unplanned implements DueTimes {
  private lastSlotMs = -Infinity;

  /** @param intervalMs a whole number */
  constructor(private readonly intervalMs: number) {
    super();
  }

  fired(nowMs: number): Fired {
    this.lastSlotMs = Math.floor(nowMs / this.intervalMs) * this.intervalMs;
    return { dueMs: this.lastSlotMs, lateByMs: 0 };
  }

  willFire(dueMs: number): boolean {
    return this.lastSlotMs < dueMs;
  }
}

/** Of `@Timeout()`, and of methods without a schedule: there is one time only. */
export class OneDue extends Unplanned implements DueTimes {
  private hasFired = false;

  fired(): Fired {
    this.hasFired = true;
    return { dueMs: 0, lateByMs: 0 };
  }

  willFire(): boolean {
    return !this.hasFired;
  }
}

/** What `@Cron()` was given, of which its due times are made. */
export interface CronOptions {
  readonly name?: string | undefined;
  readonly cronTime: unknown;
  readonly timeZone?: string | null | undefined;
  readonly utcOffset?: number | null | undefined;
  readonly waitForCompletion?: boolean | null | undefined;
  readonly disabled?: boolean | undefined;
}

/** The job of a method: by its name, or one of the same expression and zone, which has the same due times. */
export function findCronJob(registry: SchedulerRegistry, options: CronOptions): CronJob | undefined {
  const jobs = registry.getCronJobs();
  const { name } = options;
  if (name !== undefined && jobs.has(name)) return jobs.get(name);
  const zone = zoneOf(options);
  const isSame = ({ cronTime, waitForCompletion }: CronJob): boolean =>
    isSameTime(cronTime.source, options.cronTime) &&
    cronTime.timeZone === zone.timeZone &&
    cronTime.utcOffset === zone.utcOffset &&
    waitForCompletion === (options.waitForCompletion === true);
  const same = [...jobs.values()].filter(isSame);
  return same.find(({ isActive }) => isActive !== (options.disabled === true)) ?? same[0];
}

function isSameTime(source: unknown, cronTime: unknown): boolean {
  if (typeof source === 'string') return source === cronTime;
  return (source as LuxonDate).toMillis() === Number(cronTime);
}

/** That of the process, when none is given. */
function zoneOf({ timeZone, utcOffset }: CronOptions): Pick<CronTime, 'timeZone' | 'utcOffset'> {
  if (utcOffset !== undefined && utcOffset !== null) return { utcOffset };
  return { timeZone: timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone };
}
