import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunningClock } from '../../../lib/membership/running-clock.js';

const STEP_MS = 500;
const span = fc.double({ min: 0, max: 3_600_000, noNaN: true });

describe('the clock that runs while our loop runs', () => {
  it('counts all time of a loop that is never late', () => {
    const clock = new RunningClock(STEP_MS);
    for (const ms of [1_000, 1_250, 9_000]) expect(clock.advance(ms, ms)).toBe(0);
    expect(clock.now).toEqual({ ms: 9_000, runMs: 8_000 });
  });

  it('counts one step of a block, however long', () => {
    const clock = new RunningClock(STEP_MS);
    clock.advance(0);
    expect(clock.advance(3_600_100, 100)).toBe(3_600_000);
    expect(clock.now.runMs).toBe(100 + STEP_MS);
    expect(clock.late).toEqual({ at: clock.now, lateMs: 3_600_000 });
  });

  it('counts a block once, whatever comes first after it', () => {
    const clock = new RunningClock(STEP_MS);
    clock.advance(0);
    for (const ms of [10_000, 10_001, 10_001]) clock.advance(ms, 50);
    expect(clock.now.runMs).toBe(50 + STEP_MS + 1);
  });

  it('never runs backwards or ahead, and never loses what was not late', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(span, span)), (turns) => {
        const clock = new RunningClock(STEP_MS);
        clock.advance(0);
        for (const [sinceMs, dueInMs] of turns) {
          const { ms, runMs } = clock.now;
          clock.advance(ms + sinceMs, ms + dueInMs);
          const countedMs = clock.now.runMs - runMs;
          expect(countedMs).toBeGreaterThanOrEqual(Math.min(sinceMs, dueInMs) - 1e-3);
          expect(countedMs).toBeLessThanOrEqual(Math.min(sinceMs, dueInMs + STEP_MS) + 1e-3);
        }
      }),
    );
  });
});
