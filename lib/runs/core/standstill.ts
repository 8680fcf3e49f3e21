import { CALM_MS, STALL_MS, WAKE_MS } from './run.types.js';

/** Whether this node's loop stood still: others may have taken it for dead, and what it sees may be old. */
export class Standstill {
  private wokenAtMs: number | undefined;
  private calmAtMs = -Infinity;

  /** More time has passed than a loop that runs lets pass. What has arrived meanwhile may come before any timer. */
  isNoticed(nowMs: number): boolean {
    this.wokenAtMs ??= nowMs;
    return nowMs - this.wokenAtMs >= WAKE_MS + STALL_MS;
  }

  woken(nowMs: number): void {
    this.wokenAtMs = nowMs;
  }

  /** Its connections are made again from now on, and others tell what was run. */
  ended(nowMs: number): void {
    this.wokenAtMs = nowMs;
    this.calmAtMs = nowMs + CALM_MS;
  }

  isCalm(nowMs: number): boolean {
    return nowMs >= this.calmAtMs;
  }
}
