import type { InjectionToken, Type } from '@nestjs/common';
import { PeerageError } from '../../errors/peerage-error.js';
import { SharedResource } from '../registry/shared-resource.js';
import { DEFAULT_TTL_MS } from '../registry/registry.js';
import type { Registry } from '../registry/registry.js';
import { viaRegistry } from '../registry/via-registry.js';
import type { PeerageProvider } from '../provider.js';
import { viaInjected } from '../via-injected.js';
import { givenIoredis } from './ioredis-port.js';
import { givenNodeRedis } from './node-redis-port.js';
import { ownRedis } from './own-redis.js';
import type { RedisClient, ViaRedisOptions } from './redis-options.js';
import { REDIS, validateRedisOptions } from './redis-options.js';
import { RedisRegistry } from './redis-registry.js';
import type { IoredisClient, NodeRedisClient, RedisPort } from './redis-port.js';
import { readRedisUrl } from './redis-url.js';

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
  const address = readRedisUrl(url!);
  return provider(options, () => ownRedis(address));
}

function provider(options: ViaRedisOptions, open: () => Promise<RedisPort>): PeerageProvider {
  const { key, ttlMs = DEFAULT_TTL_MS } = options;
  const registries = new SharedResource<Registry>(
    async () => new RedisRegistry(await open(), key, ttlMs),
    (registry) => registry.close(),
  );
  return viaRegistry(REDIS, registries, ttlMs);
}

function portOf(client: RedisClient): RedisPort {
  if (typeof (client as Partial<IoredisClient>)?.call === 'function')
    return givenIoredis(client as IoredisClient);
  const { sendCommand, isReady } = (client ?? {}) as Partial<NodeRedisClient>;
  const isOfNodeRedis = typeof sendCommand === 'function';
  // Its clusters and sentinels take the key of a command as well, and its pools have no state.
  if (isOfNodeRedis && sendCommand.length <= 2 && typeof isReady === 'boolean')
    return givenNodeRedis(client as NodeRedisClient);
  throw new PeerageError(
    'INVALID_OPTIONS',
    isOfNodeRedis
      ? 'viaRedis() takes a client of redis that createClient() made, and no cluster, sentinel or pool of it. For these ' +
          'give a client of ioredis (Cluster, or Redis with sentinels).'
      : 'viaRedis(): what was given as the client is none of ioredis, nor of redis (node-redis).',
  );
}
