import { describe, expect, it } from 'vitest';
import { SimCluster } from './sim-cluster.js';
import type { SimNode } from './sim-node.js';

/** Virtual milliseconds, so they may be asserted. */
const CALM_MS = 5_000;
const STALLING_MS = 6_000;
const SLOW_TURNS_MS = 20_000;
const UNWATCHED_MS = 30_000;

const seeds = [1, 2, 3, 4];

/** The node blocks for `forMs`, again and again. */
function stall(cluster: SimCluster, node: SimNode, forMs: number, everyMs: number): void {
  const { world } = cluster;
  const again = (): void => {
    if (!node.isAlive) return;
    node.block();
    world.after(forMs, () => node.thaw());
    world.after(everyMs, again);
  };
  world.after(everyMs * world.random(), again);
}

/** A node loses power. How long, at most, those who were its peers took to be told. */
function toldOfDeath({ world, nodes }: SimCluster, dead = nodes[0]!): number {
  const others = nodes.filter((node) => node !== dead);
  const { bootId } = dead;
  const fromMs = world.nowMs;
  dead.vanish();
  while (others.some(({ view }) => view.has(bootId)) && world.nowMs - fromMs < 60_000)
    world.runUntil(world.nowMs + 50);
  return world.nowMs - fromMs;
}

function lossy(cluster: SimCluster, loss: number): void {
  cluster.world.conditions = { ...cluster.world.conditions, loss };
}

/** No packet between these two, unless `isApart` says otherwise of every pair. */
function part({ world, nodes }: SimCluster, isApart: (a: number, b: number) => boolean): void {
  const index = new Map(nodes.map(({ host }, i) => [host, i]));
  world.reaches = (from, to) => {
    const [a, b] = [index.get(from)!, index.get(to)!].toSorted((x, y) => x - y);
    return !isApart(a!, b!);
  };
}

describe.each([3, 20])('an observer among %i nodes whose own loop is in trouble', (count) => {
  it.each([
    { what: 'stalls 1 s in every 5 s', forMs: 1_000, everyMs: 5_000, boundMs: STALLING_MS },
    { what: 'stalls 700 ms in every 8 s', forMs: 700, everyMs: 8_000, boundMs: STALLING_MS },
    { what: 'has turns of 2 s', forMs: 1_990, everyMs: 2_000, boundMs: SLOW_TURNS_MS },
  ])('is told of a death in time when it $what', ({ forMs, everyMs, boundMs }) => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      stall(cluster, cluster.nodes[1]!, forMs, everyMs);
      cluster.run(20_000);
      expect(cluster.events('peer.down')).toEqual([]);
      expect(toldOfDeath(cluster)).toBeLessThanOrEqual(boundMs);
    }
  });

  it.each([
    { how: 'blocked', forMs: 8_000, loss: 0 },
    { how: 'stopped', forMs: 3_000, loss: 0 },
    { how: 'stopped', forMs: 60_000, loss: 0 },
    { how: 'blocked', forMs: 8_000, loss: 0.2 },
    { how: 'stopped', forMs: 60_000, loss: 0.2 },
  ])('is told as soon as anybody when it was $how for $forMs ms just before, at a loss of $loss', (row) => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      lossy(cluster, row.loss);
      const observer = cluster.nodes[1]!;
      if (row.how === 'blocked') observer.block();
      else observer.freeze();
      cluster.run(row.forMs);
      observer.thaw();
      expect(toldOfDeath(cluster)).toBeLessThanOrEqual(row.loss === 0 ? STALLING_MS : 8_000);
    }
  });

  it.each([
    { loss: 0, forMs: 8_000 },
    { loss: 0.2, forMs: 3_000 },
    { loss: 0.2, forMs: 8_000 },
  ])('accuses nobody when its machine was paused $forMs ms, at a loss of $loss', ({ loss, forMs }) => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      lossy(cluster, loss);
      const paused = cluster.nodes[1]!;
      paused.freeze();
      cluster.run(forMs);
      paused.thaw();
      cluster.run(30_000);
      expect(cluster.events('peer.down').filter(({ node }) => node === paused)).toEqual([]);
    }
  });
});

describe('a cluster that is paused as a whole for a minute', () => {
  it.each([0, 0.2])('is whole soon after, and nobody was told of anything, at a loss of %f', (loss) => {
    for (const seed of seeds) {
      const cluster = new SimCluster(20, seed);
      lossy(cluster, loss);
      for (const node of cluster.nodes) node.freeze();
      cluster.run(60_000);
      for (const node of cluster.nodes) node.thaw();
      cluster.run(30_000);
      expect(cluster.events('peer.down')).toEqual([]);
    }
  });
});

describe('a node that nobody hears any more', () => {
  it('misses in time who loses power meanwhile as well, whether it watches that one or not', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(20, seed);
      const [mute, ...others] = cluster.nodes;
      cluster.run(1_000 * cluster.world.random());
      const gone = others.slice(0, 4);
      const fromMs = cluster.world.nowMs;
      cluster.world.reaches = (from) => from !== mute!.host;
      cluster.run(1_500);
      for (const node of gone) node.vanish();
      while (mute!.view.size > 0 && cluster.world.nowMs - fromMs < 60_000) cluster.run(50);
      expect(cluster.world.nowMs - fromMs).toBeLessThanOrEqual(CALM_MS);
    }
  });
});

describe('views that differ', () => {
  it('cost nothing: one pair of 65 nodes is cut, is told of it in time, and nobody is suspected', () => {
    const cluster = new SimCluster(65, 1);
    part(cluster, (a, b) => a === 0 && b === 1);
    cluster.run(UNWATCHED_MS);
    expect(cluster.events().map(({ event }) => event.type)).toEqual(['peer.down', 'peer.down']);
    cluster.forgetEvents();
    const before = cluster.nodes.map(({ sent }) => sent);
    cluster.run(30_000);
    expect(cluster.events()).toEqual([]);
    const perSecond = cluster.nodes.slice(2).map(({ sent }, i) => (sent - before[i + 2]!) / 30);
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(17);
    expect(toldOfDeath(cluster, cluster.nodes[7])).toBeLessThanOrEqual(CALM_MS);
  });

  it('leave nobody unwatched: a node with four of 30 peers loses power, and all four are told', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(30, seed);
      part(cluster, (a, b) => a === 0 && b > 4);
      cluster.run(UNWATCHED_MS);
      expect(cluster.nodes[0]!.view.size).toBe(4);
      expect(toldOfDeath(cluster)).toBeLessThanOrEqual(UNWATCHED_MS);
    }
  });
});

describe('a pair between which no stream gets through and every datagram does', () => {
  const CAP_MS = 20_000;
  /** The same, after a suspicion that begins late. */
  const UNWATCHED_CAP_MS = 45_000;
  /** No stream between the first two nodes. */
  const cutTcp = ({ world, nodes }: SimCluster): void => {
    const pair = new Set(nodes.slice(0, 2).map(({ host }) => host));
    world.reaches = (from, to, by) => by !== 'tcp' || !(pair.has(from) && pair.has(to));
  };

  it.each([
    { count: 2, loss: 0, boundMs: CAP_MS },
    { count: 5, loss: 0, boundMs: CAP_MS },
    { count: 5, loss: 0.2, boundMs: CAP_MS + 3_000 },
    { count: 30, loss: 0, boundMs: UNWATCHED_CAP_MS },
  ])('ends by the cap, on both sides and nowhere else: $count nodes, a loss of $loss', (row) => {
    for (const seed of seeds) {
      const cluster = new SimCluster(row.count, seed);
      lossy(cluster, row.loss);
      cutTcp(cluster);
      cluster.run(row.boundMs + 500);
      const told = cluster.events('peer.down').map(({ node }) => node);
      expect(new Set(told)).toEqual(new Set(cluster.nodes.slice(0, 2)));
      expect(told).toHaveLength(2);
    }
  });

  it('ends nothing when streams get through again in time', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(5, seed);
      cutTcp(cluster);
      cluster.run(12_000);
      cluster.world.reaches = () => true;
      cluster.run(60_000);
      expect(cluster.events('peer.down')).toEqual([]);
    }
  });

  it('does not end while one of the two is blocked', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(5, seed);
      cluster.nodes[0]!.block();
      cluster.run(5_000);
      cutTcp(cluster);
      cluster.run(120_000);
      expect(cluster.events('peer.down')).toEqual([]);
      cluster.nodes[0]!.thaw();
      cluster.world.reaches = () => true;
      cluster.run(30_000);
      expect(cluster.events('peer.down')).toEqual([]);
    }
  });
});
