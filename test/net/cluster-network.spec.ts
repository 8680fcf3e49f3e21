import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeConfig } from '../programs/node-config.js';
import { Cluster, type ClusterNode, connectedHosts, fullMesh, SECRET } from '../support/processes/cluster.js';
import { ClusterNetwork } from '../support/net/network.js';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';

const PORT = 4_500;
/** The default deadline of silence is 4 s, and longer for a node that is unwell itself. */
const NOTICED_MS = 20_000;
/** Longer than that deadline: the peers are down before it is over. */
const CUT_MS = 10_000;

describe.skipIf(!has('netns'))('a cluster on a network', () => {
  const cluster = new Cluster();
  let network: ClusterNetwork;

  beforeEach(() => {
    network = new ClusterNetwork();
  });
  afterEach(async () => {
    await cluster.stop();
    network.delete();
  });

  const launch = (host: Namespace, via: NodeConfig['via'], more: NodeConfig = {}): Promise<ClusterNode> =>
    cluster.start(
      { appName: 'app', secret: SECRET, port: PORT, ...(via && { via }), ...more },
      { namespace: host.name },
    );

  /** One node on each of so many hosts, that find each other by `via`. */
  async function meshOf(count: number, via: (names: string[]) => NodeConfig['via']): Promise<ClusterNode[]> {
    const hosts = Array.from({ length: count }, () => network.addHost());
    const names = hosts.map((host) => network.nameOf(host, PORT));
    const nodes = await Promise.all(hosts.map((host) => launch(host, via(names))));
    await fullMesh(nodes);
    return nodes;
  }

  const byList = (names: string[]) => [{ list: names }];
  const byUdp = () => [{ udp: {} }];

  it('takes the address of the host for its own, and listens on every one', async () => {
    const [a, b] = await meshOf(2, byUdp);
    expect([a!.name, b!.name]).toEqual(['app@10.77.0.1:4500', 'app@10.77.0.2:4500']);
    expect((await a!.run('peers'))[0]).toMatchObject({ name: b!.name, host: '10.77.0.2' });
  });

  it('connects at once beside addresses that swallow everything', async () => {
    const [here, there, hole] = [network.addHost(), network.addHost(), network.addHost()];
    network.silence(hole);
    const good = await launch(there, undefined);
    // Some that drop packets, some that nobody has.
    const swallowed = [hole, hole, hole].map((host, i) => network.nameOf(host, 5_000 + i));
    const nobody = Array.from({ length: 20 }, (_, i) => `app@10.77.0.${200 + i}`);
    const finder = await launch(here, [{ list: [...swallowed, ...nobody, good.name] }]);
    const startedAt = (await finder.message(({ type }) => type === 'started')).at;
    const up = await finder.event('peer.up');
    expect(up.atMs - startedAt).toBeLessThan(1_000);
    // The same for connect(), while those dials hang.
    const { names } = await finder.run('explain');
    const hanging = names.filter(({ state }) => state === 'dialling' || state === 'waiting');
    expect(hanging.length).toBe(23);
    const late = await launch(network.addHost(), undefined);
    const startMs = performance.now();
    await finder.run('connect', late.name);
    expect(performance.now() - startMs).toBeLessThan(1_000);
    // And they are told apart in the end.
    await expect
      .poll(async () => (await finder.run('explain', swallowed[0])).names[0]?.lastAttempt, {
        timeout: 10_000,
      })
      .toMatchObject({ code: 'DIAL_TIMEOUT' });
  });

  it.each([
    ['a list', byList],
    ['UDP', byUdp],
  ])('is whole again after a network card was down for long (found by %s)', async (_what, via) => {
    const nodes = await meshOf(3, via);
    const [cut, ...others] = nodes;
    const [host] = network.hosts;
    network.down(host!);
    const downAt = performance.now();
    for (const other of others) {
      const down = await other.event('peer.down', undefined, { timeoutMs: NOTICED_MS });
      expect(down).toMatchObject({ peer: { bootId: cut!.bootId } });
      expect(['timeout', 'closed']).toContain(down.reason);
    }
    await expect.poll(() => cut!.up.size, { timeout: NOTICED_MS }).toBe(0);
    await sleep(Math.max(0, CUT_MS - (performance.now() - downAt)));
    expect(await cut!.run('peers')).toEqual([]);
    network.up(host!);
    await fullMesh(nodes, 15_000);
    // Among the others nothing happened, and there is one connection for each pair.
    for (const other of others) {
      const lost = other.ofType('peer.down').map(({ peer }) => peer.bootId);
      expect(lost).toEqual([cut!.bootId]);
    }
    await expect
      .poll(() => connectedHosts(cut!, host!.name), { timeout: 15_000 })
      .toEqual(['10.77.0.2', '10.77.0.3']);
  });

  it('notices a silent cut, and heals', async () => {
    const nodes = await meshOf(3, byList);
    const [cut, ...others] = nodes;
    network.silence(network.hosts[0]!);
    const cutAt = performance.timeOrigin + performance.now();
    for (const other of others) {
      const down = await other.event('peer.down', undefined, { timeoutMs: NOTICED_MS });
      expect(down).toMatchObject({ reason: 'timeout', peer: { bootId: cut!.bootId } });
      expect(down.evidence.asked.length).toBeGreaterThan(0);
      console.log(`A silent cut was noticed after ${((down.atMs - cutAt) / 1_000).toFixed(1)} s.`);
    }
    await expect.poll(() => cut!.up.size, { timeout: NOTICED_MS }).toBe(0);
    network.heal(network.hosts[0]!);
    const healedAt = performance.timeOrigin + performance.now();
    await fullMesh(nodes, 15_000);
    const last = Math.max(...nodes.map((node) => node.ofType('peer.up').at(-1)!.atMs));
    console.log(`It was whole again ${((last - healedAt) / 1_000).toFixed(1)} s after that ended.`);
  });

  it('does not lose a peer to a cut of a second', async () => {
    const nodes = await meshOf(3, byList);
    network.silence(network.hosts[0]!);
    await sleep(1_000);
    network.heal(network.hosts[0]!);
    await sleep(3_000);
    for (const node of nodes) expect(node.ofType('peer.down')).toEqual([]);
  });
});
