import { PeerageError } from '../../errors/peerage-error.js';
import { ioredisPort } from './ioredis-port.js';
import { nodeRedisPort } from './node-redis-port.js';
import type { IoredisClient, NodeRedisClient, RedisPort } from './redis-port.js';

const CONNECT_MS = 2_000;
const MAX_RECONNECT_MS = 1_000;

/**
 * A client of our own, made with the package that the app has.
 *
 * @throws PeerageError `PROVIDER_FAILED` when it has none.
 */
export async function ownRedis(url: string): Promise<RedisPort> {
  return (await byIoredis(url)) ?? (await byNodeRedis(url)) ?? missing();
}

async function byIoredis(url: string): Promise<RedisPort | undefined> {
  const ioredis = await import('ioredis').catch(absent);
  if (!ioredis) return undefined;
  const client = new ioredis.Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    retryStrategy: backoffMs,
  }) as unknown as IoredisClient;
  client.on('error', () => {});
  return ioredisPort(client, true);
}

async function byNodeRedis(url: string): Promise<RedisPort | undefined> {
  const redis = await import('redis').catch(absent);
  if (!redis) return undefined;
  const client = redis.createClient({
    url,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: backoffMs },
  }) as unknown as NodeRedisClient;
  client.on('error', () => {});
  return nodeRedisPort(client, true);
}

/** That its package is not installed is no error. Caught where it is imported, so that bundlers expect it too. */
function absent(error: unknown): undefined {
  if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') return undefined;
  throw error;
}

function backoffMs(tries: number): number {
  return Math.min(50 * 2 ** Math.min(tries, 10), MAX_RECONNECT_MS);
}

function missing(): never {
  throw new PeerageError(
    'PROVIDER_FAILED',
    'viaRedis() with a URL needs the package ioredis or redis: npm install ioredis.',
  );
}
