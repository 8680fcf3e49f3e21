import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { NodeConfig } from '../programs/node-config.js';
import type { ClusterNode } from '../support/processes/cluster.js';
import { Cluster, fullMesh } from '../support/processes/cluster.js';
import { has } from '../support/requirements.mjs';
import type { Source } from '../support/pages/sources.js';
import {
  configMapSource,
  dnsSource,
  kubernetesSource,
  plainFileSource,
  postgresSource,
  redisSource,
  TTL_MS,
} from '../support/pages/sources.js';

interface SourceKind {
  readonly open: () => Promise<Source>;
  readonly isHere?: boolean;
  /** Nodes enter themselves. */
  readonly isStore?: boolean;
}

const SOURCES: Readonly<Record<string, SourceKind>> = {
  Redis: { open: redisSource, isHere: has('redis-server'), isStore: true },
  PostgreSQL: { open: postgresSource, isHere: has('postgres'), isStore: true },
  DNS: { open: dnsSource, isHere: has('dnsmasq') },
  'the Kubernetes API': { open: kubernetesSource, isHere: has('openssl') },
  'a file': { open: plainFileSource },
  'a file of a ConfigMap': { open: configMapSource },
};

const POLLS = { intervalMs: 500 };

const downs = (nodes: readonly ClusterNode[]) => nodes.flatMap((node) => node.ofType('peer.down'));

/** So long a source is away: entries expire, and every node asks it in vain. */
const awhile = () => sleep(2 * TTL_MS);

// Mostly they wait, so they do it together. Each has a source and nodes of its own.
describe.concurrent('processes that find each other by', () => {
  for (const [title, { open, isHere = true, isStore = false }] of Object.entries(SOURCES))
    it.skipIf(!isHere)(
      `${title} start before it, and lose no peer while it is gone`,
      async ({ onTestFinished: atEnd }) => {
        const source = await open();
        atEnd(() => source.stop());
        const cluster = new Cluster();
        atEnd(() => cluster.stop());
        const start = async (more: NodeConfig = POLLS) =>
          cluster.start({ ...(await source.node()), ...more });

        if (isStore) await findWithoutPolls(cluster, () => start({ intervalMs: 600_000 }));
        const nodes = await startBefore(source, start);
        nodes.push(await start());
        await fullMesh(nodes);
        await outliveKill(source, nodes, start);
        if (source.freeze) await outliveFreeze(source, nodes, start);
        if (isStore) await sayGoodbye(nodes);
      },
      180_000,
    );
});

type Start = () => Promise<ClusterNode>;

async function findWithoutPolls(cluster: Cluster, start: Start): Promise<void> {
  await fullMesh([await start(), await start()], 10_000);
  await cluster.stop();
}

async function startBefore(source: Source, start: Start): Promise<ClusterNode[]> {
  await source.kill();
  const nodes = await Promise.all([start(), start()]);
  await Promise.all(nodes.map((node) => node.event('provider.failed')));
  await source.start();
  await fullMesh(nodes);
  await Promise.all(nodes.map((node) => node.event('provider.recovered')));
  return nodes;
}

/** A node joins after the source is back. */
async function outliveKill(source: Source, nodes: ClusterNode[], start: Start): Promise<void> {
  const from = nodes.map((node) => node.events.length);
  await source.kill();
  await Promise.all(nodes.map((node, i) => node.event('provider.failed', () => true, { from: from[i]! })));
  await awhile();
  expect(downs(nodes)).toEqual([]);
  await source.start();
  nodes.push(await start());
  await fullMesh(nodes);
  await Promise.all(from.map((seen, i) => nodes[i]!.event('provider.recovered', () => true, { from: seen })));
  expect(downs(nodes)).toEqual([]);
}

async function outliveFreeze(source: Source, nodes: ClusterNode[], start: Start): Promise<void> {
  source.freeze?.();
  await awhile();
  expect(downs(nodes)).toEqual([]);
  await source.start();
  nodes.push(await start());
  await fullMesh(nodes);
  expect(downs(nodes)).toEqual([]);
}

/** Who ends takes its entry back; that of one that was killed expires. */
async function sayGoodbye(nodes: ClusterNode[]): Promise<void> {
  const [first, second, third] = nodes as [ClusterNode, ClusterNode, ClusterNode];
  // Entries that expired while the store was frozen are made anew.
  await untilListed(first, (names) => names.includes(second.name) && names.includes(third.name));
  await second.terminate();
  expect(await namesListed(first)).not.toContain(second.name);
  await third.kill();
  await untilListed(first, (names) => !names.includes(third.name));
}

async function namesListed(node: ClusterNode): Promise<string[]> {
  const { providers } = (await node.run('poll')) as { providers: { names: string[] }[] };
  return providers.flatMap(({ names }) => names);
}

async function untilListed(node: ClusterNode, fits: (names: string[]) => boolean): Promise<void> {
  let names: string[] = [];
  const endMs = performance.now() + 20_000;
  while (!fits((names = await namesListed(node)))) {
    if (performance.now() > endMs) throw new Error(`The store lists ${names.join(', ')} after 20 s.`);
    await sleep(100);
  }
}
