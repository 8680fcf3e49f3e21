import { PeerageError } from '../../errors/peerage-error.js';
import { absent } from '../registry/missing-package.js';
import { ioredisPort, ownIoredisClient } from './ioredis-port.js';
import { nodeRedisPort, ownNodeRedisClient } from './node-redis-port.js';
import type { IoredisClient, NodeRedisClient, RedisPort } from './redis-port.js';
import type { RedisAddress } from './redis-url.js';

const CONNECT_MS = 2_000;
const MAX_RECONNECT_MS = 1_000;

/**
 * A client of our own, made with the package that the app has.
 *
 * @throws PeerageError `PROVIDER_FAILED` when it has none.
 */
export async function ownRedis(address: RedisAddress): Promise<RedisPort> {
  return (await ownIoredis(address)) ?? (await ownNodeRedis(address)) ?? missing();
}

export async function ownIoredis({ url, family, servername }: RedisAddress): Promise<RedisPort | undefined> {
  const ioredis = await loadIoredis();
  if (!ioredis) return undefined;
  const make = () =>
    new ioredis.Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      retryStrategy: backoffMs,
      // It would hold commands back while the server reads its data, and nobody would be told why.
      enableReadyCheck: false,
      ...(family !== undefined && { family }),
      ...(servername !== undefined && { tls: { servername } }),
    }) as unknown as IoredisClient;
  return ioredisPort(ownIoredisClient(make));
}

export async function ownNodeRedis({
  url,
  family,
  servername,
}: RedisAddress): Promise<RedisPort | undefined> {
  const redis = await loadNodeRedis();
  if (!redis) return undefined;
  const make = () =>
    redis.createClient({
      url,
      socket: {
        connectTimeout: CONNECT_MS,
        reconnectStrategy: backoffMs,
        ...(family !== undefined && { family }),
        ...(servername !== undefined && { tls: true, servername }),
      },
    }) as unknown as NodeRedisClient;
  return nodeRedisPort(ownNodeRedisClient(make));
}
// `webpackIgnore` leaves the import to run time: webpack fails on a package that is not installed, within `try` too.

async function loadIoredis() {
  try {
    return await import(/* webpackIgnore: true */ 'ioredis');
  } catch (error) {
    return absent('ioredis', error);
  }
}

async function loadNodeRedis() {
  try {
    return await import(/* webpackIgnore: true */ 'redis');
  } catch (error) {
    return absent('redis', error);
  }
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
