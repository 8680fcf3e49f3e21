import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cluster, type ClusterNode, fullMesh, SECRET } from '../support/processes/cluster.js';
import { Turns } from '../support/net/net-turns.js';
import { PlatformNetwork } from '../support/net/platform-network.js';
import { platformRows } from '../support/net/platform-table.js';
import { type Platform, PLATFORMS } from '../support/net/platforms.js';
import { has } from '../support/requirements.mjs';

/** Processes that start are hungry: so many do at once. */
const starting = new Turns(4);

describe('the table of platforms', () => {
  it('says of each whether it was tried', () => {
    const tried = PLATFORMS.map(({ platform }) => platform);
    for (const { platform, tested } of platformRows())
      if (tried.includes(platform)) expect(tested, platform).toMatch(/^built/);
      else expect(tested, platform).toMatch(/^(with real servers|not tried)$/);
  });
});

describe.skipIf(!has('netns') || !has('dnsmasq'))('three nodes as the table says become one cluster', () => {
  it.concurrent.each(PLATFORMS)('on $platform', async (platform) => {
    const cluster = new Cluster();
    // Of their own, so that nobody else is found on this machine.
    const folder = mkdtempSync(join(tmpdir(), 'platform-'));
    const network = await PlatformNetwork.build(platform.plan);
    try {
      const { nodes, told } = await start(platform, { cluster, network, folder });
      await fullMesh(nodes, 60_000);
      const seen = await Promise.all(nodes.map((node) => node.run('peers')));
      const hosts = seen.map((peers) => peers.map(({ host }) => host).toSorted());
      expect(hosts).toEqual(told.map((_, i) => told.filter((_host, other) => other !== i).toSorted()));
    } finally {
      await cluster.stop();
      await network.end();
      platform.end?.();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

interface Ground {
  readonly cluster: Cluster;
  readonly network: PlatformNetwork;
  readonly folder: string;
}

async function start(
  { argument, nodes }: Platform,
  { cluster, network, folder }: Ground,
): Promise<{ nodes: ClusterNode[]; told: string[] }> {
  const planned = nodes?.(network) ?? [{}, {}, {}];
  const places = planned.map((one, i) => ({ ...one, host: one.host ?? network.hosts[i]! }));
  const launch = ({ host, argument: own = argument, env }: (typeof places)[number]): Promise<ClusterNode> =>
    starting.next(() =>
      cluster.start(
        { written: own },
        { namespace: host.name, env: { CLUSTER_SECRET: SECRET, TMPDIR: folder, ...env } },
      ),
    );
  return {
    nodes: await Promise.all(places.map(launch)),
    told: places.map(({ host, told }) => told ?? network.addressOf(host)),
  };
}
