import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Timer, Timers } from '../../../lib/membership/timers.js';

/** Kinds with the same ids: none may be taken for another. */
const TIMERS: readonly Timer[] = [
  ...(['beat', 'judge'] as const).flatMap((kind) => ['a', 'b'].map((id) => ({ kind, id }))),
  ...(['handshake', 'conflict'] as const).map((kind) => ({ kind, id: 3 })),
];

const keyOf = ({ kind, id }: Timer) => `${kind} ${id}`;

function takeAll(timers: Timers, nowMs: number): string[] {
  const taken: string[] = [];
  for (let due = timers.takeDue(nowMs); due; due = timers.takeDue(nowMs)) taken.push(keyOf(due));
  return taken;
}

describe('timers', () => {
  it('give what is due, soonest first, as a plain map would', () => {
    const step = fc.record({
      timer: fc.constantFrom(...TIMERS),
      atMs: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined, freq: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 50 }), (steps, nowMs) => {
        const timers = new Timers();
        const model = new Map<string, number>();
        for (const { timer, atMs } of steps) {
          if (atMs === undefined) {
            timers.delete(timer.kind, timer.id);
            model.delete(keyOf(timer));
          } else {
            timers.set(timer.kind, timer.id, atMs);
            model.set(keyOf(timer), atMs);
          }
        }
        expect(timers.nextAtMs()).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        const taken = takeAll(timers, nowMs);
        const times = taken.map((key) => model.get(key)!);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        const due = [...model].filter(([, atMs]) => atMs <= nowMs).map(([key]) => key);
        expect(taken.toSorted()).toEqual(due.toSorted());
        for (const timer of TIMERS)
          expect(timers.has(timer.kind, timer.id)).toBe((model.get(keyOf(timer)) ?? 0) > nowMs);
      }),
    );
  });

  it('one that is set again after it was taken comes again', () => {
    const timers = new Timers();
    timers.set('beat', 'a', 1);
    expect(takeAll(timers, 1)).toEqual(['beat a']);
    timers.set('beat', 'a', 1);
    expect(takeAll(timers, 1)).toEqual(['beat a']);
    expect(timers.takeDue(1)).toBeUndefined();
  });
});
