import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isSettled } from '../../../lib/ownership/core/settling.js';

const bounds = { settleMs: 3_000, pollMs: 5_000 };
const met = { sinceMs: 20, isPolled: true, hasPeers: true, isCalm: true, allTold: true };

it('settles with peers as soon as there is nothing more to find', () => {
  expect(isSettled(met, bounds)).toBe(true);
  for (const missing of ['isPolled', 'hasPeers', 'isCalm', 'allTold'] as const)
    expect(isSettled({ ...met, [missing]: false }, bounds), missing).toBe(false);
});

it('settles alone after its time, and not before the first poll', () => {
  const alone = { ...met, hasPeers: false };
  expect(isSettled({ ...alone, sinceMs: 2_999 }, bounds)).toBe(false);
  expect(isSettled({ ...alone, sinceMs: 3_000 }, bounds)).toBe(true);
  expect(isSettled({ ...alone, sinceMs: 3_000, isPolled: false }, bounds)).toBe(false);
});

it('settles at last whatever is missing, and once settled by time stays so', () => {
  fc.assert(
    fc.property(
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (isPolled, hasPeers, isCalm, allTold) => {
        const look = { isPolled, hasPeers, isCalm, allTold };
        expect(isSettled({ ...look, sinceMs: 8_000 }, bounds)).toBe(true);
      },
    ),
  );
});
