import type { InjectionToken, Type } from '@nestjs/common';
import { PeerageError } from '../errors/peerage-error.js';
import { Lease } from '../via/lease.js';
import type { MeetingPoint } from '../via/meeting-point.js';
import { DEFAULT_TTL_MS, meetingProvider } from '../via/meeting-point.js';
import type { PeerageProvider } from '../via/provider.js';
import { viaInjected } from '../via/via-injected.js';
import { ioredisPort } from './ioredis-port.js';
import { nodeRedisPort } from './node-redis-port.js';
import { ownRedis } from './own-redis.js';
import { RedisPoint } from './redis-point.js';
import type { IoredisClient, NodeRedisClient, RedisPort } from './redis-port.js';

/**
 * Options of {@link viaRedis}: one of `url`, `client` and `token`.
 *
 * @publicApi
 */
export interface ViaRedisOptions {
  /** `redis://…` or `rediss://…`: a connection of its own, by the package `ioredis` or `redis`. */
  readonly url?: string;
  /** A client of `ioredis` or of `redis` that the app has. It is left open. */
  readonly client?: RedisClient;
  /** The injection token under which the app's container has such a client. */
  readonly token?: InjectionToken;
  /** The sorted set and the channel. Nodes with the same one meet. @default `peerage:<app name>` */
  readonly key?: string;
  /** How long the entry of a node that was killed stays, in milliseconds, at least 1,000. @default 30000 */
  readonly ttlMs?: number;
}

/**
 * A client of `ioredis` or of `redis` (node-redis).
 *
 * @publicApi
 */
export type RedisClient = IoredisClient | NodeRedisClient;

const MIN_TTL_MS = 1_000;

/**
 * Finds the nodes that share a Redis server: each keeps its name in a sorted set while it runs, and a channel
 * tells the others of a new one. No peer is lost while the server is down.
 *
 * @throws PeerageError `INVALID_OPTIONS`. Its `poll` rejects with `PROVIDER_FAILED` and `PROVIDER_TIMEOUT`.
 * @publicApi
 */
export function viaRedis(
  options: ViaRedisOptions & { readonly token: InjectionToken },
): Type<PeerageProvider>;
export function viaRedis(options: ViaRedisOptions): PeerageProvider;
export function viaRedis(options: ViaRedisOptions): PeerageProvider | Type<PeerageProvider> {
  validate(options);
  const { url, client, token } = options;
  if (token !== undefined) {
    return viaInjected<RedisClient>(token, (value) => provider(options, async () => portOf(value)));
  }
  if (client) {
    const port = portOf(client);
    return provider(options, async () => port);
  }
  return provider(options, () => ownRedis(url!));
}

function provider(options: ViaRedisOptions, open: () => Promise<RedisPort>): PeerageProvider {
  const { key, ttlMs = DEFAULT_TTL_MS } = options;
  const points = new Lease<MeetingPoint>(
    async () => new RedisPoint(await open(), key, ttlMs),
    (point) => point.close(),
  );
  return meetingProvider('redis', points, ttlMs);
}

function portOf(client: RedisClient): RedisPort {
  if (typeof (client as Partial<IoredisClient>)?.call === 'function')
    return ioredisPort(client as IoredisClient, false);
  if (typeof (client as Partial<NodeRedisClient>)?.sendCommand === 'function')
    return nodeRedisPort(client as NodeRedisClient, false);
  throw new PeerageError(
    'INVALID_OPTIONS',
    'viaRedis(): what was given as the client is none of ioredis, nor of redis (node-redis).',
  );
}

function validate({ url, client, token, key, ttlMs }: ViaRedisOptions): void {
  const faults: string[] = [];
  const given = [url, client, token].filter((value) => value !== undefined).length;
  if (given !== 1) faults.push('give one of url, client and token');
  if (url !== undefined && !/^rediss?:\/\//.test(url))
    faults.push('url is not of the form redis://host:port');
  if (key !== undefined && (typeof key !== 'string' || key === '')) faults.push('key is no text');
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= MIN_TTL_MS))
    faults.push(`ttlMs ${String(ttlMs)} is not an integer of at least ${MIN_TTL_MS} (milliseconds)`);
  if (faults.length > 0) throw new PeerageError('INVALID_OPTIONS', `viaRedis(): ${faults.join('; ')}.`);
}
