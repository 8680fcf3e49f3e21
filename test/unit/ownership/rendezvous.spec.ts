import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { best, rank } from '../../../lib/ownership/core/rendezvous.js';

const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });

describe('the rank of ids for a key', () => {
  it('is the same in whatever order they are known, and begins with the best', () => {
    fc.assert(
      fc.property(fc.string(), ids, (key, all) => {
        const ranked = rank(key, all);
        expect(rank(key, all.toReversed())).toEqual(ranked);
        expect(ranked.toSorted()).toEqual(all.toSorted());
        expect(best(key, all, (id) => id)).toBe(ranked[0]);
      }),
    );
  });

  it('keeps its order when one of them goes', () => {
    fc.assert(
      fc.property(fc.string(), ids, fc.nat(), (key, all, at) => {
        const gone = all[at % all.length]!;
        const left = all.filter((id) => id !== gone);
        expect(rank(key, left)).toEqual(rank(key, all).filter((id) => id !== gone));
      }),
    );
  });

  it('is fair in every place: who takes over from the first is no one in particular', () => {
    const nodes = Array.from({ length: 4 }, (_, i) => `app@10.0.0.${i}`);
    const seconds = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const [first, second] = rank(`job-${i}`, nodes);
      seconds.set(`${first} ${second}`, (seconds.get(`${first} ${second}`) ?? 0) + 1);
    }
    expect(seconds.size).toBe(12);
    for (const count of seconds.values()) expect(Math.abs(count - 1_000)).toBeLessThan(250);
  });

  it('is nobody among nobody', () => {
    expect(rank('key', [])).toEqual([]);
    expect(best('key', [], String)).toBeUndefined();
  });
});
