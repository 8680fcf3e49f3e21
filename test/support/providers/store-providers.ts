import { Redis } from 'ioredis';
import pg from 'pg';
import { createClient } from 'redis';
import type { PeerageProvider } from '../../../lib/via/provider.js';
import { viaPostgres } from '../../../lib/via/postgres/index.js';
import { viaRedis } from '../../../lib/via/redis/index.js';
import { ownNodeRedis } from '../../../lib/via/redis/own-redis.js';
import { readRedisUrl } from '../../../lib/via/redis/redis-url.js';
import { RedisRegistry } from '../../../lib/via/redis/redis-registry.js';
import type { Registry } from '../../../lib/via/registry/registry.js';
import { SharedResource } from '../../../lib/via/registry/shared-resource.js';
import { viaRegistry } from '../../../lib/via/registry/via-registry.js';

/** A provider, and how the app ends the client that it gave. */
export interface StoreProvider {
  readonly provider: PeerageProvider;
  readonly end: () => Promise<unknown> | void;
}

type Make = (url: string, ttlMs: number) => StoreProvider;

/** Each way to reach a Redis server. Clients of the app have no options: they notice no dead connection. */
export const REDIS_KINDS: Readonly<Record<string, Make>> = {
  'ioredis of ours': (url, ttlMs) => ({ provider: viaRedis({ url, ttlMs }), end: () => {} }),
  'node-redis of ours': (url, ttlMs) => {
    const open = async () => new RedisRegistry((await ownNodeRedis(readRedisUrl(url)))!, undefined, ttlMs);
    const registries = new SharedResource<Registry>(open, (registry) => registry.close());
    return { provider: viaRegistry('redis', registries, ttlMs), end: () => {} };
  },
  'ioredis of the app': (url, ttlMs) => {
    const client = new Redis(url);
    client.on('error', () => {});
    return { provider: viaRedis({ client, ttlMs }), end: () => client.disconnect() };
  },
  'node-redis of the app': (url, ttlMs) => {
    const { client, end } = nodeRedisOfApp(url);
    return { provider: viaRedis({ client, ttlMs }), end };
  },
};

/** A client that is ended also when it is just connecting: it would go on, and stay connected. */
export function nodeRedisOfApp(url: string) {
  const client = createClient({ url });
  client.on('error', () => {});
  client.connect().catch(() => {});
  const end = (): void => {
    client.on('connect', () => client.destroy());
    client.destroy();
  };
  return { client, end };
}

/** Each way to reach a PostgreSQL server. */
export const POSTGRES_KINDS: Readonly<Record<string, Make>> = {
  'pool of ours': (url, ttlMs) => ({ provider: viaPostgres({ url, ttlMs }), end: () => {} }),
  'pool of the app': (url, ttlMs) => {
    const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 2_000, max: 4 });
    pool.on('error', () => {});
    return { provider: viaPostgres({ pool, ttlMs }), end: () => pool.end() };
  },
};
