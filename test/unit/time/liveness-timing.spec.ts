import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_HEARTBEAT } from '../../../lib/peerage.options.js';
import { BURST_PROBES, defaultCapMs, timingFaults, timingOf } from '../../../lib/time/liveness-timing.js';

const ms = fc.integer({ min: 1, max: 1_000_000 });
const heartbeats = fc.tuple(ms, ms, ms, ms).map(([intervalMs, more, window, cap]) => {
  const suspectMs = intervalMs + more;
  const downMs = suspectMs + window;
  return { intervalMs, suspectMs, downMs, capMs: cap };
});

describe('the spans of liveness', () => {
  it('fit together by default, and for a downMs of a second', () => {
    expect(timingFaults(DEFAULT_HEARTBEAT)).toEqual([]);
    expect(timingFaults({ intervalMs: 250, suspectMs: 625, downMs: 1_000, capMs: 20_000 })).toEqual([]);
  });

  it('refuse a downMs that leaves no room for the rest, and say what would fit', () => {
    expect(timingFaults({ ...DEFAULT_HEARTBEAT, downMs: 1_000 })).toEqual([
      'intervalMs (1000) must be less than suspectMs (2500), and that less than downMs (1000); for a downMs of 1000, 250 and 625 fit.',
    ]);
    expect(timingFaults({ ...DEFAULT_HEARTBEAT, suspectMs: 3_950 })).toEqual([
      'between suspectMs (3950) and downMs (4000) a suspect is probed, which takes 100 ms at least; lower suspectMs.',
    ]);
    expect(timingFaults({ ...DEFAULT_HEARTBEAT, capMs: 3_000 })).toEqual([
      'capMs (3000) must be at least downMs (4000).',
    ]);
  });

  it('have a cap by default in which the longest deadline fits', () => {
    expect(defaultCapMs(4_000)).toBe(20_000);
    expect(defaultCapMs(15_000)).toBe(30_000);
  });

  it('keep their order for all options that are not refused', () => {
    fc.assert(
      fc.property(heartbeats, (heartbeat) => {
        fc.pre(timingFaults(heartbeat).length === 0);
        const timing = timingOf(heartbeat);
        const { intervalMs, suspectMs, downMs, windowMs, stepMs, slowBeatMs, slowSuspectMs } = timing;
        expect(BURST_PROBES * timing.probeEveryMs).toBeLessThanOrEqual(windowMs + 1e-6);
        expect(3 * stepMs).toBeLessThanOrEqual(windowMs + 1e-6);
        expect(slowBeatMs).toBeGreaterThan(intervalMs);
        expect(slowSuspectMs).toBeGreaterThanOrEqual(Math.max(suspectMs, 1.1 * slowBeatMs));
        expect(timing.redialMs).toBeLessThan(downMs);
        expect(timing.stalledMs).toBeGreaterThan(downMs);
        expect(timing.capMs).toBeGreaterThanOrEqual(downMs);
      }),
    );
  });
});
