import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterNetwork } from '../support/net/network.js';
import { Cluster, type ClusterNode, fullMesh, SECRET } from '../support/processes/cluster.js';
import type { KubeChild } from '../support/providers/kube-child.js';
import { addAddress } from '../support/providers/via-namespaces.js';
import { has } from '../support/requirements.mjs';

const PORT = 4_500;
const POLL_MS = 300;
const pathTo = (file: string) => fileURLToPath(new URL(`../support/${file}`, import.meta.url));

const v4 = (n: number) => `10.77.0.${n}`;
const v6 = (n: number) => `fd77::${n}`;

/** Slices of one family each, as the controller makes them: two pods are in both, one has told its IPv6 address only. */
const SLICES = { 'web-v4': [v4(1), v4(2)], 'web-v6': [v6(1), v6(2), v6(3)] };
/** Whose first address is the IPv6 one. */
const IS_V6_FIRST = [false, false, true];

// The switch, the addresses and the nodes are real; the API is a server of the tests that speaks it.
describe.skipIf(!has('netns') || !has('openssl'))('nodes that have an address of each family', () => {
  const cluster = new Cluster();
  let network: ClusterNetwork;
  const ends: (() => Promise<unknown>)[] = [];
  beforeEach(() => {
    network = new ClusterNetwork();
    for (const n of [1, 2, 3]) addAddress(network.addHost(), `${v6(n)}/64`, 'eth0');
  });
  afterEach(async () => {
    await cluster.stop();
    for (const end of ends.splice(0)) await end();
    network.delete();
  });

  async function serve(slices: object): Promise<KubeChild> {
    const program = [pathTo('run-ts.mjs'), pathTo('providers/kube-child.ts')];
    const node = [process.execPath, ...program, '10.77.0.254', JSON.stringify(slices)];
    const child = spawn('ip', ['netns', 'exec', network.lookout(), ...node], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    ends.push(async () => {
      const closed = once(child, 'close');
      child.stdin.end();
      await closed;
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return JSON.parse(line.toString()) as KubeChild;
  }

  /** What Kubernetes puts into POD_IP, from `status.podIPs`: that of the cluster's first family comes first. */
  const podIps = (n: number, isV6First: boolean) => (isV6First ? [v6(n), v4(n)] : [v4(n), v6(n)]).join();

  it('meet once, each under one name', async () => {
    const kubernetes = { service: 'web', namespace: 'prod', ...(await serve(SLICES)) };
    const config = { appName: 'app', secret: SECRET, port: PORT, intervalMs: POLL_MS, via: [{ kubernetes }] };
    const nodes = await Promise.all(
      network.hosts.map(({ name: namespace }, i) =>
        cluster.start(config, { namespace, env: { POD_IP: podIps(i + 1, IS_V6_FIRST[i]!) } }),
      ),
    );
    await fullMesh(nodes, 60_000);
    // Several polls, each of which has both names of each.
    await sleep(5 * POLL_MS);
    const names = IS_V6_FIRST.map((isFirst, i) => `app@${isFirst ? `[${v6(i + 1)}]` : v4(i + 1)}:${PORT}`);
    for (const [i, node] of nodes.entries()) {
      const peers = (await node.run('peers')).map(({ name }) => name).toSorted();
      expect(peers).toEqual(names.filter((_, other) => other !== i).toSorted());
      expect(complaintsOf(node)).toEqual([]);
    }
  });
});

/** What a log has when a node meets another one twice, or takes itself for another one. */
function complaintsOf(node: ClusterNode): string[] {
  return node.log.filter((line) => /NAME_TAKEN|from now on|peer\.down|Refused|No connection/.test(line));
}
