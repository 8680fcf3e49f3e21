import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { NodeConfig } from '../programs/node-config.js';
import { Cluster, type ClusterNode, fullMesh, SECRET } from '../support/processes/cluster.js';
import { ClusterNetwork } from '../support/net/network.js';
import { cardOfItsOwn } from '../support/net/platform-network.js';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';

const PORT = 4_500;

/** Every host has this address on a network of its own, before its card on the common one. */
const SAME = '172.18.0.3';

describe.skipIf(!has('netns'))('the address that peers are told', () => {
  const cluster = new Cluster();
  let network: ClusterNetwork;

  beforeEach(() => {
    network = new ClusterNetwork();
  });
  afterEach(async () => {
    await cluster.stop();
    network.delete();
  });

  const start = (host: Namespace, via: NodeConfig['via']): Promise<ClusterNode> =>
    cluster.start(
      { appName: 'app', secret: SECRET, port: PORT, ...(via && { via }) },
      { namespace: host.name },
    );

  const withOverlay = (host: Namespace): void => {
    host.ip('link', 'add', 'aaa0', 'type', 'bridge');
    host.ip('addr', 'add', `${SAME}/16`, 'dev', 'aaa0');
    host.ip('link', 'set', 'aaa0', 'up');
  };

  it.each<[string, (names: string[]) => NodeConfig['via']]>([
    ['a provider lists', (names) => [{ list: names }]],
    ['others hear announcements from', () => [{ udp: {} }]],
  ])('is the one that %s, when the first one is the same on all', async (_what, via) => {
    const hosts = [1, 2, 3].map(() => network.addHost({ before: withOverlay }));
    const names = hosts.map((host) => network.nameOf(host, PORT));
    const nodes = await Promise.all(hosts.slice(0, 2).map((host) => start(host, via(names))));
    await fullMesh(nodes, 60_000);
    // The first address of this one is nobody else's by now, and still leads each other host to itself.
    nodes.push(await start(hosts[2]!, via(names)));
    await fullMesh(nodes, 60_000);
    await vi.waitFor(async () => {
      const seen = await Promise.all(nodes.map((node) => node.run('peers')));
      const known = seen.map((peers) => peers.map(({ name }) => name));
      expect(known).toEqual(names.map((own) => names.filter((name) => name !== own)));
    }, 90_000);
  });

  it('stays as it is beside a card that leads nowhere, as that of Docker, whose announcements are heard as well', async () => {
    const hosts = [1, 2].map(() => network.addHost());
    for (const host of hosts) cardOfItsOwn(host, 'docker0', '172.17.0.1/16');
    const config = { appName: 'app', secret: SECRET, port: PORT, via: [{ udp: {} }], intervalMs: 300 };
    const nodes = await Promise.all(hosts.map((host) => cluster.start(config, { namespace: host.name })));
    await fullMesh(nodes);
    // Several polls, of which each lists what was heard.
    await sleep(3_000);
    for (const [i, node] of nodes.entries()) {
      const own = network.nameOf(hosts[i]!, PORT);
      expect(node.log.filter((line) => line.includes('from now on'))).toEqual([]);
      expect((await node.run('explain')).names.map(({ name }) => name)).not.toContain('app@172.17.0.1:4500');
      expect((await nodes[1 - i]!.run('peers')).map(({ name }) => name)).toEqual([own]);
    }
  });

  it('changes with the address of the host, which stays the same peer', async () => {
    const hosts = [1, 2].map(() => network.addHost());
    const [a, b] = (await Promise.all(hosts.map((host) => start(host, [{ udp: {} }])))) as [
      ClusterNode,
      ClusterNode,
    ];
    await fullMesh([a, b]);
    for (const [i, host] of hosts.entries()) {
      host.ip('addr', 'flush', 'dev', 'eth0');
      host.ip('addr', 'add', `10.77.1.${i + 1}/24`, 'broadcast', '10.77.1.255', 'dev', 'eth0');
    }
    const moved = ['app@10.77.1.1:4500', 'app@10.77.1.2:4500'];
    await vi.waitFor(async () => {
      const [[ofA], [ofB]] = [await a.run('peers'), await b.run('peers')];
      expect([ofA?.name, ofB?.name]).toEqual([moved[1], moved[0]]);
    }, 45_000);
    const [peer] = await a.run('peers');
    expect(peer!.bootId).toBe(b.bootId);
  });

  it('is the one on the network of a peer, when no peer can connect to the first; a wrong one that was given is a note', async () => {
    const names = ['one', 'two'];
    const hosts = names.map((_, i) =>
      network.addHost({
        hosts: '127.0.0.1 localhost\n10.77.0.1 one\n10.77.0.2 two\n',
        before: (host) => cardOfItsOwn(host, 'aaa0', `172.18.${i + 1}.3/24`),
      }),
    );
    const via = [{ list: names.map((name) => `app@${name}:${PORT}`) }];
    const config = { appName: 'app', secret: SECRET, port: PORT, via };
    const [a, b] = await Promise.all([
      cluster.start(config, { namespace: hosts[0]!.name }),
      cluster.start({ ...config, host: '172.18.2.3' }, { namespace: hosts[1]!.name }),
    ]);
    await fullMesh([a, b]);
    await vi.waitFor(async () => {
      const [peer] = await b.run('peers');
      const { notes } = await b.run('explain');
      expect(peer!.host).toBe('10.77.0.1');
      expect(notes).toContainEqual(
        expect.stringMatching(/^1 of 1 peers cannot connect .* 172\.18\.2\.3:4500/),
      );
    }, 30_000);
    expect((await a.run('explain')).notes).not.toContainEqual(
      expect.stringContaining('peers cannot connect'),
    );
  });
});
