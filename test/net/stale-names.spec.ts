import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, type ClusterNode, SECRET } from '../support/processes/cluster.js';
import { endWithThisProcess } from '../support/processes/lifeline.js';
import { ClusterNetwork } from '../support/net/network.js';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';

const PORT = 4_500;
const HTTP = `require('http').createServer((q, r) => r.end()).listen(${PORT}, () => console.log('listens'))`;

/** What one dial takes that nobody answers: nobody waits for one. */
const BOUND_MS = 2_000;
/** On a busy machine five hundred dials take time of the processor: as many times that of one. */
const BUSY_FACTOR = 40;

describe.skipIf(!has('netns'))('a node that starts with names of nodes that are gone', () => {
  const cluster = new Cluster();
  let network: ClusterNetwork;
  let server: ChildProcess | undefined;
  let living: Namespace;
  let web: Namespace;

  beforeAll(async () => {
    network = new ClusterNetwork();
    [living, web] = [network.addHost(), network.addHost()];
    // Every address of this network speaks HTTP; what is sent to the other one is lost.
    web.ip('route', 'add', 'local', '10.88.0.0/16', 'dev', 'lo');
    server = spawn('ip', ['netns', 'exec', web.name, process.execPath, '-e', HTTP]);
    endWithThisProcess(server);
    await once(server.stdout!, 'data');
    await start(living, [network.nameOf(living, PORT)]).started();
  });
  afterAll(async () => {
    await cluster.stop();
    server?.kill('SIGKILL');
    network.delete();
  });

  function start(host: Namespace, list: readonly string[], held = false): ClusterNode {
    for (const lost of ['10.88.0.0/16', '10.99.0.0/16'])
      host.ip('route', 'add', lost, 'via', network.addressOf(web));
    return cluster.launch(
      { appName: 'app', secret: SECRET, port: PORT, held, via: [{ list }] },
      { namespace: host.name },
    );
  }

  /** A third each: addresses that refuse, that speak HTTP, that swallow. */
  function dead(count: number): string[] {
    return Array.from({ length: count }, (_, i) => {
      const [high, low] = [i >> 8, i & 255];
      if (i % 3 === 0) return `app@${network.addressOf(living)}:${10_000 + i}`;
      return i % 3 === 1 ? `app@10.88.${high}.${low}:${PORT}` : `app@10.99.${high}.${low}:${PORT}`;
    });
  }

  /** How long after it began to listen it had its first peer. */
  async function joins(node: ClusterNode): Promise<number> {
    const from = node.events.length;
    await node.run('start');
    const told = await node.message(({ type }) => type === 'told');
    const up = await node.event('peer.up', () => true, { from, timeoutMs: 60_000 });
    await node.started();
    return up.atMs - told.at;
  }

  it('finds the others about as soon as without them', async () => {
    const counts = [0, 50, 500];
    const nodes = counts.map((count) =>
      start(network.addHost(), [...dead(count), network.nameOf(living, PORT)], true),
    );
    await Promise.all(nodes.map((node) => node.message(({ type }) => type === 'held')));
    const tookMs: number[] = [];
    for (const node of nodes) tookMs.push(await joins(node));
    const ratios = tookMs.map((ms) => (ms / tookMs[0]!).toFixed(1));
    console.info(
      `joined after ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms (${ratios.join(', ')} times)`,
    );
    expect(Math.max(...tookMs)).toBeLessThan(Math.max(BOUND_MS, BUSY_FACTOR * tookMs[0]!));
  });
});
