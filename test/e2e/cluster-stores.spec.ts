import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StoreConfig } from '../programs/node-config.js';
import type { ClusterNode } from '../support/cluster.js';
import { Cluster, freePorts, fullMesh, onLoopback, until } from '../support/cluster.js';
import { PostgresServer } from '../support/postgres-server.js';
import { RedisServer } from '../support/redis-server.js';
import { has } from '../support/requirements.mjs';

interface Server {
  start(): Promise<void>;
  kill(): Promise<void>;
  freeze(): void;
  stop(): Promise<void>;
}

/** Short, so that entries expire while the server is away. */
const TTL_MS = 3_000;

function describeStore(title: string, open: () => Promise<Server>, config: (server: Server) => StoreConfig) {
  describe(`a cluster ${title}`, () => {
    const cluster = new Cluster();
    let server: Server;
    beforeAll(async () => void (server = await open()));
    afterEach(() => cluster.stop());
    afterAll(() => server.stop());

    const start = async (more: object = {}): Promise<ClusterNode> => {
      const [port = 0] = await freePorts(1);
      return cluster.start(onLoopback(port, { via: [config(server)], ...more }));
    };
    const downs = (nodes: readonly ClusterNode[]) => nodes.flatMap((node) => node.ofType('peer.down'));

    it('brings nodes together long before the next poll', async () => {
      const nodes = [await start({ intervalMs: 600_000 }), await start({ intervalMs: 600_000 })];
      await fullMesh(nodes, 10_000);
    });

    it('loses no peer while the server is killed, and a fourth node joins after it is back', async () => {
      const nodes = await Promise.all([start(), start(), start()]);
      await fullMesh(nodes);
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, 2 * TTL_MS));
      expect(downs(nodes)).toEqual([]);
      await server.start();
      const fourth = await start();
      await fullMesh([...nodes, fourth]);
      expect(downs([...nodes, fourth])).toEqual([]);
    });

    it('loses no peer while the server is frozen', async () => {
      const nodes = await Promise.all([start({ intervalMs: 500 }), start({ intervalMs: 500 })]);
      await fullMesh(nodes);
      server.freeze();
      await new Promise((resolve) => setTimeout(resolve, 2 * TTL_MS));
      expect(downs(nodes)).toEqual([]);
      await server.start();
      await fullMesh([...nodes, await start()]);
      expect(downs(nodes)).toEqual([]);
    });

    it('lets nodes start before the server does', async () => {
      await server.kill();
      const nodes = await Promise.all([start(), start()]);
      await Promise.all(nodes.map((node) => node.event('provider.failed')));
      await server.start();
      await fullMesh(nodes);
    });

    it('says goodbye to the store, and forgets who could not', async () => {
      const nodes = await Promise.all([start(), start(), start()]);
      await fullMesh(nodes);
      await nodes[1].terminate();
      await nodes[2].kill();
      const first = nodes[0];
      const namesSeen = async () => {
        const { providers } = (await first.run('poll')) as { providers: { names: string[] }[] };
        return providers.flatMap(({ names }) => names);
      };
      expect(await namesSeen()).not.toContain(nodes[1].name);
      let seen: string[] = [nodes[2].name];
      const look = setInterval(() => void namesSeen().then((names) => (seen = names)), 200);
      try {
        await until(
          () => seen.length === 0,
          () => `${seen.join()} should expire`,
        );
      } finally {
        clearInterval(look);
      }
    });
  });
}

describe.skipIf(!has('redis-server'))('with redis-server', () => {
  describeStore(
    'that meets in Redis',
    () => RedisServer.start(),
    (server) => ({ redis: { url: (server as RedisServer).url, ttlMs: TTL_MS } }),
  );
});

describe.skipIf(!has('postgres'))('with PostgreSQL', () => {
  describeStore(
    'that meets in PostgreSQL',
    () => PostgresServer.start(),
    (server) => ({ postgres: { url: (server as PostgresServer).url, ttlMs: TTL_MS } }),
  );
});
