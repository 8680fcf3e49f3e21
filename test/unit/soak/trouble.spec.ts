import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../sim/random.js';
import { TroublePlan } from '../../soak/trouble.js';

const draw = (seed: number, count: number) => {
  const plan = new TroublePlan(seededRandom(seed), 3);
  return Array.from({ length: count }, () => [plan.pauseMs(), plan.next([2, 3, 4], 5)]);
};

describe('the plan of trouble', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(draw(1, 50)).toEqual(draw(1, 50));
    expect(draw(1, 50)).not.toEqual(draw(2, 50));
  });

  it('has every kind, and hits everyone who is exposed and nobody else', () => {
    const troubles = draw(3, 500).map(([, trouble]) => trouble as { kind: string; node: number });
    expect(new Set(troubles.map(({ kind }) => kind)).size).toBe(6);
    expect(new Set(troubles.map(({ node }) => node))).toEqual(new Set([2, 3, 4]));
  });

  it('stops a process for longer than the bound of liveness, and for less', () => {
    const troubles = draw(4, 500).map(([, trouble]) => trouble as { kind: string; forMs: number });
    for (const { kind, forMs } of troubles) {
      if (kind === 'long stop') expect(forMs).toBeGreaterThan(4_000);
      if (kind === 'stop') expect(forMs).toBeLessThan(4_000);
    }
  });

  it('leaves enough of them alone', () => {
    const plan = new TroublePlan(seededRandom(5), 3);
    expect(plan.next([2], 3)).toBeUndefined();
    expect(plan.next([], 5)).toBeUndefined();
    expect(plan.next([2], 4)?.node).toBe(2);
  });
});
