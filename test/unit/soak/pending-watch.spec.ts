import { beforeEach, describe, expect, it } from 'vitest';
import { PendingWatch } from '../../soak/pending-watch.js';

describe('the watch over what has to end', () => {
  let faults: string[];
  let nowMs: number;
  let watch: PendingWatch;
  beforeEach(() => {
    faults = [];
    nowMs = 1_000;
    watch = new PendingWatch(nowMs, (text) => faults.push(text));
  });

  const pass = (ms: number, stepMs = 200): void => {
    for (const endMs = nowMs + ms; nowMs < endMs;) watch.look((nowMs += stepMs));
  };

  it('says nothing of what ends in its time', () => {
    const done = watch.begin('a request', 1_000);
    pass(800);
    done();
    pass(5_000);
    expect(faults).toEqual([]);
    expect(watch.size).toBe(0);
  });

  it('tells once of what does not, and keeps it', () => {
    watch.begin('a request', 1_000);
    pass(800);
    expect(faults).toEqual([]);
    pass(5_000);
    expect(faults).toEqual(['a request did not end in its time']);
    expect(watch.describe()).toEqual(['a request']);
  });

  it('knows whether the process stood still, or had to catch up', () => {
    pass(2_000);
    expect(watch.stoodStillSince(nowMs - 2_000)).toBe(false);
    const beforeMs = nowMs;
    watch.look((nowMs += 5_000));
    expect(watch.stoodStillSince(beforeMs)).toBe(true);
    pass(400);
    expect(watch.stoodStillSince(nowMs)).toBe(true);
    pass(1_000);
    expect(watch.stoodStillSince(nowMs)).toBe(false);
  });

  it('does not count time in which the process was stopped', () => {
    watch.begin('a request', 2_000);
    pass(600);
    watch.look((nowMs += 60_000));
    expect(faults).toEqual([]);
    pass(2_000);
    expect(faults).toHaveLength(1);
  });

  it('tells apart what is of the same name', () => {
    const done = watch.begin('a request', 1_000);
    watch.begin('a request', 1_000);
    done();
    pass(2_000);
    expect(faults).toHaveLength(1);
    expect(watch.size).toBe(1);
  });
});
