import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timers } from '../../../lib/membership/timers.js';

type Step = { readonly key: string; readonly atMs: number | undefined };

describe('timers', () => {
  it('give what is due, soonest first, as a plain map would', () => {
    const step = fc.record<Step>({
      key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      atMs: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined, freq: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 50 }), (steps, nowMs) => {
        const timers = new Timers();
        const model = new Map<string, number>();
        for (const { key, atMs } of steps) {
          if (atMs === undefined) {
            timers.delete(key);
            model.delete(key);
          } else {
            timers.set(key, atMs);
            model.set(key, atMs);
          }
        }
        expect(timers.nextAtMs()).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
        const taken: [string, number][] = [];
        for (let key = timers.takeDue(nowMs); key !== undefined; key = timers.takeDue(nowMs)) {
          taken.push([key, model.get(key)!]);
        }
        expect(taken.map(([, atMs]) => atMs)).toEqual(
          taken.map(([, atMs]) => atMs).toSorted((a, b) => a - b),
        );
        expect(new Map(taken)).toEqual(new Map([...model].filter(([, atMs]) => atMs <= nowMs)));
        for (const [key, atMs] of model) expect(timers.has(key)).toBe(atMs > nowMs);
      }),
    );
  });

  it('a key that is set again after it was taken comes again', () => {
    const timers = new Timers();
    timers.set('a', 1);
    expect(timers.takeDue(1)).toBe('a');
    timers.set('a', 1);
    expect(timers.takeDue(1)).toBe('a');
    expect(timers.takeDue(1)).toBeUndefined();
  });
});
