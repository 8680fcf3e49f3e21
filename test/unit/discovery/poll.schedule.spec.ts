import { SchedulerRegistry } from '@nestjs/schedule';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../lib/time/clock.js';
import { systemClock } from '../../../lib/time/clock.js';
import { PollSchedule } from '../../../lib/discovery/poll.schedule.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { deferred } from '../../support/recorder.js';

const NAME = 'peerage.poll';

describe('the schedule', () => {
  let registry: SchedulerRegistry;
  let random = 0.5;
  const run = vi.fn<() => Promise<void>>();

  const schedule = (syncOffsetMs = 0, clock: Clock = systemClock) =>
    new PollSchedule(registry, { intervalMs: 1_000, syncOffsetMs, random: () => random, clock }, run);

  beforeEach(() => {
    vi.useFakeTimers();
    registry = new SchedulerRegistry();
    random = 0.5;
    run.mockReset().mockResolvedValue(undefined);
  });
  afterEach(() => void vi.useRealTimers());

  it('runs first after the offset, then every interval, under its name in the registry', async () => {
    const one = schedule(50);
    one.start();
    expect(registry.getTimeouts()).toEqual([NAME]);
    await vi.advanceTimersByTimeAsync(49);
    expect(run).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(run).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(run).toHaveBeenCalledTimes(4);
    expect(registry.getTimeouts()).toEqual([NAME]);
    one.stop();
    expect(registry.getTimeouts()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [0, 800],
    [0.999_999, 1_200],
  ])('spreads its runs by a fifth (random %d: %d ms)', async (value, ms) => {
    random = value;
    const one = schedule();
    one.start();
    await vi.advanceTimersByTimeAsync(0);
    await vi.advanceTimersByTimeAsync(ms - 1);
    expect(run).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(run).toHaveBeenCalledTimes(2);
    one.stop();
  });

  it('never runs twice at once, and counts the interval from the end of a run', async () => {
    const long = deferred();
    run.mockReturnValueOnce(long.promise);
    const one = schedule();
    one.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(run).toHaveBeenCalledTimes(1);
    long.resolve();
    await vi.advanceTimersByTimeAsync(999);
    expect(run).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(run).toHaveBeenCalledTimes(2);
    one.stop();
  });

  it('ends when somebody deletes its timeout, between runs', async () => {
    const one = schedule();
    one.start();
    await vi.advanceTimersByTimeAsync(0);
    registry.deleteTimeout(NAME);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(run).toHaveBeenCalledTimes(1);
    one.stop();
  });

  it('ends when somebody deletes its timeout, during a run', async () => {
    const long = deferred();
    run.mockReturnValueOnce(long.promise);
    const one = schedule();
    one.start();
    await vi.advanceTimersByTimeAsync(0);
    registry.deleteTimeout(NAME);
    long.resolve();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(run).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
    one.stop();
  });

  it('leaves a timeout alone that somebody else put in its place', async () => {
    const one = schedule();
    one.start();
    await vi.advanceTimersByTimeAsync(0);
    registry.deleteTimeout(NAME);
    const theirs = setTimeout(() => undefined, 99_999);
    registry.addTimeout(NAME, theirs);
    one.stop();
    expect(registry.getTimeout(NAME)).toBe(theirs);
    clearTimeout(theirs);
  });

  it('arms nothing after it was stopped during a run', async () => {
    const long = deferred();
    run.mockReturnValueOnce(long.promise);
    const one = schedule();
    one.start();
    await vi.advanceTimersByTimeAsync(0);
    one.stop();
    long.resolve();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(run).toHaveBeenCalledTimes(1);
    expect(registry.getTimeouts()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes by another clock, under its name in the registry', async () => {
    const clock = new VirtualClock();
    const one = schedule(0, clock);
    one.start();
    expect(vi.getTimerCount()).toBe(0);
    expect(registry.getTimeouts()).toEqual([NAME]);
    await clock.advanceAsync(2_999);
    expect(run).toHaveBeenCalledTimes(3);
    registry.deleteTimeout(NAME);
    await clock.advanceAsync(10_000);
    expect(run).toHaveBeenCalledTimes(3);
    one.stop();
    const two = schedule(0, clock);
    two.start();
    two.stop();
    expect([clock.pending, registry.getTimeouts()]).toEqual([0, []]);
  });

  it('throws when the name is taken, and leaves no timer behind', () => {
    const theirs = setTimeout(() => undefined, 99_999);
    registry.addTimeout(NAME, theirs);
    expect(() => schedule().start()).toThrow(NAME);
    clearTimeout(theirs);
    expect(vi.getTimerCount()).toBe(0);
  });
});
