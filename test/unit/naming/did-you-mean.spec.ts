import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { didYouMean, editDistance } from '../../../lib/naming/did-you-mean.js';

describe('did you mean', () => {
  it.each([
    ['secert', 'secret'],
    ['intervalMS', 'intervalMs'],
    ['prot', 'port'],
    ['clster', 'cluster'],
  ])('knows %s for %s', (slip, meant) => {
    expect(didYouMean(slip, ['port', 'cluster', 'secret', 'intervalMs'])).toBe(meant);
  });

  it('guesses nothing from far away', () => {
    expect(didYouMean('hovercraft', ['port', 'secret', 'heartbeat'])).toBeUndefined();
  });

  it('measures a distance: none to itself, the same both ways, never more than the longer word', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, a)).toBe(0);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});
