import { describe, expect, it } from 'vitest';
import { type Clock, deadline } from '../../../lib/time/clock.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A deadline of one second, by a loop that can be blocked. */
function setUp() {
  const timers = new VirtualClock();
  let blockedMs = 0;
  const clock: Clock = {
    now: () => timers.now() + blockedMs,
    after: (ms, callback) => timers.after(ms, callback),
  };
  let ended = 0;
  const cancel = deadline(clock, 1_000, () => void ended++);
  return { timers, cancel, ended: () => ended, block: (ms: number) => void (blockedMs += ms) };
}

describe('a deadline for the other side', () => {
  it('ends when its time has passed, once', () => {
    const { timers, ended } = setUp();
    timers.advance(999);
    expect(ended()).toBe(0);
    timers.advance(10_000);
    expect(ended()).toBe(1);
  });

  it('is put off by as long as the loop was late, so that what has arrived is read first', () => {
    const { timers, ended, block } = setUp();
    block(300);
    timers.advance(1_299);
    expect(ended()).toBe(0);
    timers.advance(1);
    expect(ended()).toBe(1);
  });

  it('is put off once, and never by more than itself', () => {
    const { timers, ended, block } = setUp();
    block(60_000);
    timers.advance(1_000);
    block(60_000);
    timers.advance(999);
    expect(ended()).toBe(0);
    timers.advance(1);
    expect(ended()).toBe(1);
  });

  it.each([500, 1_500])('can be prevented after %i ms', (ms) => {
    const { timers, cancel, ended, block } = setUp();
    block(1_000);
    timers.advance(ms);
    cancel();
    timers.advance(10_000);
    expect(ended()).toBe(0);
  });
});
