/** One time on two clocks. */
export interface Moment {
  /** Monotonic. */
  readonly ms: number;
  /** The same, without the time in which our own loop did not run. */
  readonly runMs: number;
}

/** A wake-up this late is worth being told of in the evidence. */
const LATE_MS = 500;

/** A turn so many times as late as one turn may count was none of a busy loop: the process was stopped, or blocked for long. */
const STOOD_STILL_STEPS = 6;

/** Time as our own loop lived it: a turn that took longer than it should adds one step, and no more. */
export class RunningClock {
  now: Moment = { ms: Number.NEGATIVE_INFINITY, runMs: 0 };
  /** When our loop was last found late, and by how much. */
  late = { at: this.now, lateMs: 0 };
  /** When our loop last stood still for long: of what happened meanwhile nothing was read before. */
  stoodStillUntil = this.now;

  constructor(private readonly stepMs: number) {}

  /** It is `ms` now, and we had asked to be woken at `dueMs`. Returns how late we are. */
  advance(ms: number, dueMs = ms): number {
    if (ms <= this.now.ms) return 0;
    const isFirst = this.now.ms === Number.NEGATIVE_INFINITY;
    const sinceMs = isFirst ? 0 : ms - this.now.ms;
    const lateMs = Math.min(sinceMs, Math.max(0, ms - dueMs));
    const lostMs = Math.max(0, lateMs - this.stepMs);
    this.now = { ms, runMs: this.now.runMs + sinceMs - lostMs };
    if (lateMs >= LATE_MS) this.late = { at: this.now, lateMs };
    if (lateMs > STOOD_STILL_STEPS * this.stepMs) this.stoodStillUntil = this.now;
    return lateMs;
  }
}
