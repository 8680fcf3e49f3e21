import type { InjectionToken, Type } from '@nestjs/common';
import { PeerageError } from '../../errors/peerage-error.js';
import { Lease } from '../registry/shared-resource.js';
import { DEFAULT_TTL_MS } from '../registry/registry.js';
import type { MeetingPoint } from '../registry/registry.js';
import { viaMeeting } from '../registry/via-registry.js';
import type { PeerageProvider } from '../provider.js';
import { viaInjected } from '../via-injected.js';
import { ioredisPort } from './ioredis-port.js';
import { nodeRedisPort } from './node-redis-port.js';
import { ownRedis } from './own-redis.js';
import type { RedisClient, ViaRedisOptions } from './redis-options.js';
import { REDIS, validateRedisOptions } from './redis-options.js';
import { RedisPoint } from './redis-point.js';
import type { IoredisClient, NodeRedisClient, RedisPort } from './redis-port.js';

export type { RedisClient, ViaRedisOptions } from './redis-options.js';

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
  validateRedisOptions(options);
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
  return viaMeeting(REDIS, points, ttlMs);
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
