import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BadPath, type PathFaults } from '../support/mesh/bad-path.js';
import {
  Cluster,
  type ClusterNode,
  freePorts,
  fullMesh,
  onLoopback,
  openOnLoopback,
  probesAnswered,
} from '../support/processes/cluster.js';

/** Half of a second there and back, now and then twice that. */
const FAR: PathFaults = { delayMs: [200, 450], doubled: 0.2, flipped: 0.2 };

const PATIENCE = { timeout: 10_000, interval: 5 };

const cluster = new Cluster();
const paths: BadPath[] = [];
afterEach(async () => {
  await cluster.stop();
  for (const path of paths.splice(0)) await path.close();
});

/** Two nodes that reach each other by paths like this only. */
async function apart(optionsOf: typeof onLoopback, faults?: PathFaults): Promise<ClusterNode[]> {
  const ports = await freePorts(2);
  for (const port of ports) paths.push(await BadPath.open(port, faults));
  const names = paths.map(({ port }) => `app@127.0.0.1:${port}`);
  const nodes = await Promise.all(
    ports.map((port, i) => cluster.start(optionsOf(port, { name: names[i]!, via: [{ list: names }] }))),
  );
  await fullMesh(nodes);
  return nodes;
}

function lifeOf(nodes: readonly ClusterNode[], from: number[]): string[] {
  return nodes.flatMap((node, i) =>
    node.events
      .slice(from[i])
      .filter(({ type }) => type.startsWith('peer.'))
      .map((event) => `${node.name}: ${event.type}`),
  );
}

const marks = (nodes: readonly ClusterNode[]): number[] => nodes.map((node) => node.events.length);

describe('a path that is slow and shuffles, doubles and harms datagrams', () => {
  it('loses nobody, and probes still tell a blocked process from a dead one', async () => {
    const nodes = await apart(onLoopback, FAR);
    const [one, two] = nodes;
    const from = marks(nodes);
    await probesAnswered(one!, two!);
    await sleep(5_000);
    expect(lifeOf(nodes, from)).toEqual([]);
    await two!.run('block', 8_000);
    await one!.event('peer.recovered');
    expect(lifeOf(nodes, from)).toEqual([`${one!.name}: peer.degraded`, `${one!.name}: peer.recovered`]);
  });
});

describe('a bit that flips in the stream', () => {
  it.each(['there', 'back'] as const)('costs the connection and nothing else: %s', async (way) => {
    const nodes = await apart(onLoopback);
    const from = marks(nodes);
    const connections = () => paths[0]!.connections + paths[1]!.connections;
    for (let round = 0; round < 5; round++) {
      // One connection too many is given up within a second; it must not take the flip.
      await sleep(1_500);
      const before = connections();
      for (const path of paths) path.flipNext(way);
      // Which of the two their connection takes is theirs to say.
      await vi.waitFor(() => expect(paths.some(({ hasFlipped }) => hasFlipped)).toBe(true), PATIENCE);
      for (const path of paths) path.calm();
      await vi.waitFor(() => expect(connections()).toBeGreaterThan(before), PATIENCE);
    }
    await sleep(1_500);
    expect(lifeOf(nodes, from)).toEqual([]);
  });

  it('never ends a process, not even where no key tells of it', async () => {
    const nodes = await apart(openOnLoopback);
    for (let round = 0; round < 20; round++) {
      for (const path of paths) path.flipNext(round % 2 === 0 ? 'there' : 'back');
      await sleep(200);
    }
    await fullMesh(nodes);
    for (const node of nodes) expect(await node.run('peers')).toHaveLength(1);
  });
});
