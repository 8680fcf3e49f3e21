import { describe, expect, it } from 'vitest';
import { ownFault } from '../../../lib/mesh/refusals.js';

const loop = (lagMs: number, last?: { forMs: number; agoMs: number }) => ({
  lagMs,
  history: { blocks: 0, longestMs: 0, ...(last && { last }) },
});

describe('a caller that gave up', () => {
  it.each(['CONNECTION_LOST', 'HANDSHAKE_TIMEOUT'] as const)(
    'is not blamed when our own loop stood still: %s',
    (code) => {
      const late =
        'This node was late: its event loop stood still for 3.0 s, and the caller did not wait so long.';
      expect(ownFault(code, loop(3_000), 2_000)).toBe(late);
      expect(ownFault(code, loop(0, { forMs: 3_000, agoMs: 1_000 }), 2_000)).toBe(late);
    },
  );

  it('is told of as ever when our loop ran, or stood still long ago', () => {
    expect(ownFault('CONNECTION_LOST', loop(200), 2_000)).toBeUndefined();
    expect(ownFault('CONNECTION_LOST', loop(0, { forMs: 3_000, agoMs: 2_500 }), 2_000)).toBeUndefined();
  });

  it('is told of as ever when it said what is wrong', () => {
    expect(ownFault('WRONG_SECRET', loop(3_000), 2_000)).toBeUndefined();
  });
});
