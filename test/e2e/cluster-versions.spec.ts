import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Cluster, freePorts, fullMesh, nameOn, onLoopback } from '../support/processes/cluster.js';
import { buildNext } from '../support/apps/next-build.js';

const cluster = new Cluster();
let next: Awaited<ReturnType<typeof buildNext>>;
beforeAll(async () => {
  next = await buildNext();
});
afterEach(() => cluster.stop());
afterAll(() => next.remove());

describe('two releases whose wire versions are neighbours', () => {
  it('are one mesh, during a rolling upgrade and after it', async () => {
    const ports = await freePorts(3);
    const via = [{ list: ports.map((port) => nameOn(port)) }];
    const config = (port: number) => onLoopback(port, { via });
    const [first, second, third] = await Promise.all([
      cluster.start(config(ports[0]!)),
      cluster.start(config(ports[1]!)),
      cluster.start(config(ports[2]!), { root: next.root }),
    ]);
    await fullMesh([first, second, third]);

    // Each of both releases hears what the other one says.
    await third.run('meta', { release: 'next' });
    await first.run('meta', { release: 'this' });
    for (const [node, release] of [
      [first, 'next'],
      [second, 'next'],
      [third, 'this'],
      [second, 'this'],
    ] as const)
      await node.event('peer.updated', ({ peer }) => peer.meta['release'] === release);

    await second.terminate();
    const upgraded = await cluster.start(config(ports[1]!), { root: next.root });
    await fullMesh([first, upgraded, third]);
    for (const node of [first, upgraded, third]) {
      expect(node.ofType('peer.refused')).toEqual([]);
      expect(node.ofType('peer.down').map(({ reason }) => reason)).toEqual(node === upgraded ? [] : ['left']);
    }
  });
});
