import { describe, expect, it } from 'vitest';
import { SimCluster } from './sim-cluster.js';

/** The bound on a silent death, and on a healed cut. Virtual milliseconds, so they may be asserted. */
const DOWN_MS = 5_000;
const HEALED_MS = 3_000;

const seeds = Array.from({ length: 20 }, (_, i) => i + 1);

describe.each([3, 10])('liveness among %i nodes', (count) => {
  it('sees a process without power everywhere in time', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      const cutAtMs = cluster.world.nowMs;
      cluster.nodes[0]!.vanish();
      cluster.run(10_000);
      const downs = cluster.events();
      expect(downs.map(({ event }) => event.type)).toEqual(Array(count - 1).fill('peer.down'));
      expect(Math.max(...downs.map(({ atMs }) => atMs)) - cutAtMs).toBeLessThanOrEqual(DOWN_MS);
      expect(downs.every(({ event }) => event.type === 'peer.down' && event.reason === 'timeout')).toBe(true);
    }
  });

  it('sees a killed process at once', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      const killedAtMs = cluster.world.nowMs;
      cluster.nodes[0]!.kill();
      cluster.run(10_000);
      const downs = cluster.events();
      expect(downs.map(({ event }) => event.type === 'peer.down' && event.reason)).toEqual(
        Array(count - 1).fill('closed'),
      );
      expect(Math.max(...downs.map(({ atMs }) => atMs)) - killedAtMs).toBeLessThanOrEqual(100);
    }
  });

  it('calls a blocked process degraded, and never down', () => {
    for (const blockedMs of [3_000, 10_000, 30_000]) {
      for (const seed of seeds) {
        const cluster = new SimCluster(count, seed);
        const blockedAtMs = cluster.world.nowMs;
        cluster.nodes[0]!.block();
        cluster.run(blockedMs);
        cluster.nodes[0]!.thaw();
        cluster.run(20_000);
        const events = cluster.events();
        const degraded = events.filter(({ event }) => event.type === 'peer.degraded');
        const ups = events.filter(({ event }) => event.type === 'peer.up' || event.type === 'peer.down');
        expect(ups).toEqual([]);
        expect(degraded.length).toBe(count - 1);
        expect(Math.max(...degraded.map(({ atMs }) => atMs)) - blockedAtMs).toBeLessThanOrEqual(3_000);
        expect(events.filter(({ event }) => event.type === 'peer.recovered').length).toBe(count - 1);
      }
    }
  });

  it('does not bring up an old lag of its own as evidence', () => {
    const cluster = new SimCluster(count, 1);
    const [gone, late] = cluster.nodes;
    late!.block();
    cluster.run(3_000);
    late!.thaw();
    cluster.run(60_000);
    cluster.forgetEvents();
    gone!.vanish();
    cluster.run(10_000);
    const [down] = late!.events;
    expect(down!.event).toMatchObject({ type: 'peer.down', evidence: { ownLagMs: 0 } });
  });

  it('tolerates a process that is stopped for a second', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      cluster.nodes[0]!.freeze();
      cluster.run(1_000);
      cluster.nodes[0]!.thaw();
      cluster.run(20_000);
      expect(cluster.events()).toEqual([]);
    }
  });

  it('sees a process that is stopped for long, and has it back soon after', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      const stoppedAtMs = cluster.world.nowMs;
      const [stopped] = cluster.nodes;
      stopped!.freeze();
      cluster.run(10_000);
      const downs = cluster.events();
      expect(downs.length).toBe(count - 1);
      expect(Math.max(...downs.map(({ atMs }) => atMs)) - stoppedAtMs).toBeLessThanOrEqual(DOWN_MS);
      stopped!.thaw();
      expect(cluster.untilWhole(20_000)).toBeLessThanOrEqual(2_000);
      cluster.run(20_000);
      // The one that slept accuses nobody.
      expect(stopped!.events.filter(({ event }) => event.type === 'peer.down')).toEqual([]);
    }
  });

  it('says down on both sides of a cut, and heals', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      const { world, nodes } = cluster;
      const cutAtMs = world.nowMs;
      const side = new Set(nodes.slice(0, Math.ceil(count / 2)).map(({ host }) => host));
      world.reaches = (from, to) => side.has(from) === side.has(to);
      cluster.run(12_000 + 40_000 * world.random());
      const downs = cluster.events('peer.down');
      expect(downs.length).toBe(2 * side.size * (count - side.size));
      expect(Math.max(...downs.map(({ atMs }) => atMs)) - cutAtMs).toBeLessThanOrEqual(DOWN_MS);
      world.reaches = () => true;
      expect(cluster.untilWhole(20_000)).toBeLessThanOrEqual(HEALED_MS);
    }
  });

  it('says down on both sides when one direction is cut', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(count, seed);
      const { world, nodes } = cluster;
      const cutAtMs = world.nowMs;
      world.reaches = (from) => from !== nodes[0]!.host;
      cluster.run(20_000);
      const downs = cluster.events('peer.down');
      expect(downs.length).toBe(2 * (count - 1));
      expect(Math.max(...downs.map(({ atMs }) => atMs)) - cutAtMs).toBeLessThanOrEqual(DOWN_MS);
      world.reaches = () => true;
      expect(cluster.untilWhole(20_000)).toBeLessThanOrEqual(HEALED_MS);
    }
  });
});

describe('liveness under loss', () => {
  it.each([0.1, 0.2])('accuses nobody at a loss of %f each way', (loss) => {
    for (const seed of seeds.slice(0, 5)) {
      const cluster = new SimCluster(10, seed);
      cluster.world.conditions = { ...cluster.world.conditions, loss };
      cluster.run(10 * 60_000);
      expect(cluster.events('peer.down')).toEqual([]);
    }
  });
});

describe('a pair that is cut while both reach a third node', () => {
  it('goes down once on both sides, names the third as witness, and is back in time', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(3, seed);
      const { world, nodes } = cluster;
      const [a, b, c] = nodes;
      const pair = new Set([a!.host, b!.host]);
      world.reaches = (from, to) => from === to || !pair.has(from) || !pair.has(to);
      cluster.run(120_000);
      const events = cluster.events();
      expect(events.map(({ event }) => event.type)).toEqual(['peer.down', 'peer.down']);
      for (const { event } of events) {
        const asked = event.type === 'peer.down' ? event.evidence.asked : [];
        expect(asked).toEqual([{ name: c!.name, answer: 'hears it' }]);
      }
      const [told] = a!.membership.explain(world.nowMs, b!.name);
      expect(told!.summary).toContain(`${c!.name} heard it`);
      world.reaches = () => true;
      expect(cluster.untilWhole(20_000)).toBeLessThanOrEqual(HEALED_MS);
    }
  });
});

describe('where UDP is blocked', () => {
  it('still sees deaths and cuts, and explain says which proof is missing', () => {
    for (const seed of seeds) {
      const cluster = new SimCluster(5, seed);
      cluster.world.isUdpBlocked = true;
      for (const node of cluster.nodes) node.kill();
      for (const node of cluster.nodes) cluster.begin(node);
      cluster.run(15_000);
      cluster.forgetEvents();
      const told = () =>
        cluster.nodes[1]!.membership.explain(cluster.world.nowMs, cluster.nodes[2]!.name)[0]!;
      expect(told().liveness!.probes).toBe('unanswered');
      expect(told().summary).toContain('open UDP port 4370');
      const atMs = cluster.world.nowMs;
      cluster.nodes[0]!.vanish();
      cluster.run(10_000);
      const downs = cluster.events('peer.down');
      expect(downs.length).toBe(4);
      expect(Math.max(...downs.map((down) => down.atMs)) - atMs).toBeLessThanOrEqual(DOWN_MS);
      cluster.world.isUdpBlocked = false;
      cluster.run(31_000);
      expect(told().liveness!.probes, 'the port was opened').toBe('answered');
    }
  });
});

describe('restarts in place', () => {
  it('gives exactly one down and one up each, a hundred times', () => {
    const cluster = new SimCluster(4, 1);
    const [node] = cluster.nodes;
    for (let round = 0; round < 100; round++) {
      cluster.forgetEvents();
      node!.kill();
      cluster.run(100 * cluster.world.random());
      cluster.begin(node!);
      cluster.run(3_000);
      for (const observer of cluster.nodes.slice(1)) {
        expect(observer.events.map(({ event }) => event.type)).toEqual(['peer.down', 'peer.up']);
      }
    }
  });
});

/** Sizes of rings; 1,000 take six minutes and 8 GB. */
const RINGS = process.env['SIM_RING'] === undefined ? [200] : [Number(process.env['SIM_RING'])];

describe('a ring of monitors', () => {
  it.each(RINGS)('tells all of %i nodes of a silent death, at a bounded cost', (count) => {
    const cluster = new SimCluster(count, 1);
    expect(cluster.isWhole()).toBe(true);
    const before = cluster.nodes.map(({ sent }) => sent);
    cluster.run(10_000);
    const perSecond = cluster.nodes.map(({ sent }, i) => (sent - before[i]!) / 10);
    // Ten monitored, ten answered, and a digest now and then.
    expect(Math.max(...perSecond)).toBeLessThanOrEqual(25);
    cluster.forgetEvents();
    const atMs = cluster.world.nowMs;
    cluster.nodes[7]!.vanish();
    cluster.run(10_000);
    const downs = cluster.events();
    expect(downs.length).toBe(count - 1);
    expect(downs.every(({ event }) => event.type === 'peer.down')).toBe(true);
    expect(Math.max(...downs.map((down) => down.atMs)) - atMs).toBeLessThanOrEqual(DOWN_MS);
  });

  it('does not accuse a blocked node', () => {
    const cluster = new SimCluster(100, 2);
    cluster.nodes[3]!.block();
    cluster.run(20_000);
    cluster.nodes[3]!.thaw();
    cluster.run(20_000);
    expect(cluster.events('peer.down', 'peer.up')).toEqual([]);
    expect(cluster.events('peer.degraded').length).toBeGreaterThanOrEqual(10);
  });
});
