import { describe, expect, it } from 'vitest';
import { LoopWatch, type LoopBlock } from '../../../lib/time/loop-watch.js';
import { recorder } from '../../support/recorder.js';

/** A clock whose loop runs when the test says so. */
function world() {
  const at = { ms: 0, cpuMs: 0 };
  const timers: { readonly atMs: number; readonly run: () => void }[] = [];
  const clock = {
    now: () => at.ms,
    after: (ms: number, run: () => void) => {
      const timer = { atMs: at.ms + ms, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer) >>> 0, 1);
    },
  };
  /** Time passes; the loop runs only at its end. */
  const pass = (ms: number, cpuMs = 0): void => {
    at.ms += ms;
    at.cpuMs += cpuMs;
    for (const timer of timers.filter(({ atMs }) => atMs <= at.ms)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.run();
    }
  };
  const runFor = (ms: number): void => {
    for (let done = 0; done < ms; done += 50) pass(50);
  };
  const blocks = recorder<LoopBlock>();
  const watch = new LoopWatch(clock, () => at.cpuMs);
  watch.start(blocks);
  return { watch, blocks, pass, runFor };
}

describe('the watch of our own loop', () => {
  it('says nothing while the loop runs, or is a little late', () => {
    const { watch, blocks, pass, runFor } = world();
    runFor(2_000);
    pass(900);
    runFor(500);
    expect(blocks.heard).toEqual([]);
    expect(watch.history).toEqual({ blocks: 0, longestMs: 0 });
  });

  it('tells how long the loop did not run, once it runs again', () => {
    const { watch, blocks, pass, runFor } = world();
    runFor(1_000);
    pass(12_250, 12_000);
    expect(blocks.heard).toEqual([{ forMs: 12_000, busy: expect.closeTo(0.98, 2) }]);
    expect(watch.history).toEqual({ blocks: 1, longestMs: 12_000, last: { forMs: 12_000, agoMs: 0 } });
    runFor(3_000);
    pass(2_250, 0);
    expect(blocks.heard[1]).toEqual({ forMs: 2_000, busy: 0 });
    runFor(1_000);
    expect(watch.history).toEqual({ blocks: 2, longestMs: 12_000, last: { forMs: 2_000, agoMs: 1_000 } });
  });

  it('ends', () => {
    const { watch, blocks, pass } = world();
    watch.stop();
    pass(20_000);
    expect(blocks.heard).toEqual([]);
    expect(watch.lagMs).toBe(0);
  });
});
