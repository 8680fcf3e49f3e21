/** A wake-up this late says that our own loop was blocked or starved, and that our timers mean little. */
const LATE_MS = 500;

/** A loop that was late by this much raises the score by one. */
const LATE_PER_POINT_MS = 1_000;

/** The score never stretches a deadline more than fivefold. */
const MAX_SCORE = 4;

/** The score halves in this time when nothing adds to it. */
const HALF_LIFE_MS = 10_000;

/** What a suspicion that proved wrong adds: probably it was us who did not hear. */
const FALSE_SUSPICION = 0.25;

/** Our own health: after Lifeguard (Dadgar, Phillips, Currey 2018), where it stretches the deadlines of others. */
export class Health {
  /** When our loop was last found late, and by how much. */
  lag = { atMs: Number.NEGATIVE_INFINITY, lateMs: 0 };
  private score = 0;
  private scoredAtMs = 0;

  /** Our loop was late by `lateMs`. Returns whether that was long enough to distrust our timers. */
  late(nowMs: number, lateMs: number): boolean {
    if (lateMs < LATE_MS) return false;
    this.lag = { atMs: nowMs, lateMs };
    this.raise(nowMs, lateMs / LATE_PER_POINT_MS);
    return true;
  }

  falseSuspicion(nowMs: number): void {
    this.raise(nowMs, FALSE_SUSPICION);
  }

  /** 0 when well. */
  at(nowMs: number): number {
    return this.score * 0.5 ** ((nowMs - this.scoredAtMs) / HALF_LIFE_MS);
  }

  private raise(nowMs: number, by: number): void {
    this.score = Math.min(MAX_SCORE, this.at(nowMs) + by);
    this.scoredAtMs = nowMs;
  }
}
