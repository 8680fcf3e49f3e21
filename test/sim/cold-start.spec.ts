import { describe, expect, it } from 'vitest';
import { SimCluster } from './sim-cluster.js';

const SEEDS = [1, 2, 3, 4, 5];

/** Milliseconds until all that start at once are whole, where all handshakes share one processor. */
function coldStart(nodes: number, seed: number, handshakeCpuMs: number): number {
  const cluster = new SimCluster(nodes, seed, false);
  cluster.world.handshakeCpuMs = handshakeCpuMs;
  cluster.start(0);
  return cluster.untilWhole(120_000);
}

describe('a cold start of 30 nodes', () => {
  it.each([
    [1, 2],
    [10, 2],
    [40, 6],
  ])(
    'where a handshake takes %i ms of the one processor is whole within %i times the least',
    (ms, factor) => {
      const leastMs = (30 * 29 * ms) / 2;
      for (const seed of SEEDS) expect(coldStart(30, seed, ms)).toBeLessThan(factor * leastMs + 500);
    },
  );
});
