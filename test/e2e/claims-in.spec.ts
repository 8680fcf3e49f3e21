import { Redis } from 'ioredis';
import pg from 'pg';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimsIn } from '../../lib/index.js';
import type { ClaimStore } from '../../lib/index.js';
import { PostgresServer } from '../support/providers/postgres-server.js';
import { RedisServer } from '../support/providers/redis-server.js';
import { has } from '../support/requirements.mjs';

const DUE = new Date('2026-11-25T04:00:00Z');

/** Two nodes have a client each. */
interface Given {
  readonly stores: readonly [ClaimStore, ClaimStore];
  readonly stop: () => Promise<unknown>;
}

const servers: Readonly<
  Record<string, { readonly needs: 'redis-server' | 'postgres'; open(): Promise<Given> }>
> = {
  ioredis: {
    needs: 'redis-server',
    open: async () => {
      const server = await RedisServer.start();
      const clients = [new Redis(server.url), new Redis(server.url)] as const;
      const stop = async (): Promise<void> => {
        for (const client of clients) client.disconnect();
        await server.stop();
      };
      return { stores: [claimsIn(clients[0]), claimsIn(clients[1])], stop };
    },
  },
  redis: {
    needs: 'redis-server',
    open: async () => {
      const server = await RedisServer.start();
      const clients = [createClient({ url: server.url }), createClient({ url: server.url })] as const;
      for (const client of clients) await client.connect();
      const stop = async (): Promise<void> => {
        for (const client of clients) client.destroy();
        await server.stop();
      };
      return { stores: [claimsIn(clients[0]), claimsIn(clients[1])], stop };
    },
  },
  pg: {
    needs: 'postgres',
    open: async () => {
      const server = await PostgresServer.start();
      const options = { connectionString: server.url };
      const pools = [new pg.Pool(options), new pg.Pool(options)] as const;
      const stop = async (): Promise<void> => {
        for (const pool of pools) await pool.end();
        await server.stop();
      };
      return { stores: [claimsIn(pools[0]), claimsIn(pools[1])], stop };
    },
  },
};

describe.each(Object.keys(servers).filter((name) => has(servers[name]!.needs)))('claims by %s', (name) => {
  let given: Given;
  beforeAll(async () => {
    given = await servers[name]!.open();
  });
  afterAll(() => given.stop());

  it('are one for each run, whoever asks and however often', async () => {
    const [a, b] = given.stores;
    expect(await a.last('job')).toBeUndefined();
    const claims = Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).claim('job', DUE, `node ${i}`));
    const [winner, ...others] = new Set(await Promise.all(claims));
    expect(others).toEqual([]);
    // Who does not know whether it was heard asks again.
    expect(await b.claim('job', DUE, winner!)).toBe(winner);
    expect(await b.claim('job', DUE, 'late')).toBe(winner);
    const next = new Date(DUE.getTime() + 1_000);
    expect(await b.claim('job', next, 'b')).toBe('b');
    expect(await a.claim('another', DUE, 'c')).toBe('c');
    expect(await a.last('job')).toEqual(next);
  });
});

it('take nothing else', () => {
  expect(() => claimsIn({} as never)).toThrow(/ioredis or redis, a Pool of pg/);
});
