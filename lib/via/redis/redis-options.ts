import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import type { InjectionToken } from '@nestjs/common';
import { describeError } from '../../errors/peerage-error.js';
import { OptionFaults } from '../option-faults.js';
import { readRedisUrl } from './redis-url.js';
import type { IoredisClient, NodeRedisClient } from './redis-port.js';

/**
 * Options of {@link viaRedis}: one of `url`, `client` and `token`.
 *
 * @publicApi
 */
export interface ViaRedisOptions {
  /**
   * `redis://user:password@host:6379/0` or `rediss://…`: a connection of its own, by the package `ioredis` or
   * `redis`. Parameters: `db` (its number), `family` (4, 6, or 0 for either), `tls`.
   */
  readonly url?: string | undefined;
  /** A client of `ioredis` or of `redis` that the app has. It is left open. */
  readonly client?: RedisClient | undefined;
  /** The injection token under which the app's container has such a client. */
  readonly token?: InjectionToken | undefined;
  /** The sorted set; the channel is `<key>@<database>`. Nodes with the same one meet. @default `peerage:<app name>` */
  readonly key?: string | undefined;
  /** How long the entry of a node that was killed stays, in milliseconds, at least 1,000. @default 30000 */
  readonly ttlMs?: number | undefined;
}

/**
 * A client of `ioredis` or of `redis` (node-redis).
 *
 * @publicApi
 */
export type RedisClient = IoredisClient | NodeRedisClient;

/** What logs and events call it. */
export const REDIS = 'redis';

const NAMES: OptionNames<ViaRedisOptions> = {
  url: true,
  client: true,
  token: true,
  key: true,
  ttlMs: true,
};

/** @throws PeerageError `INVALID_OPTIONS`, naming everything that is wrong. */
export function validateRedisOptions(options: ViaRedisOptions): void {
  assertOptionNames('viaRedis()', options, NAMES);
  const { url, client, token, key, ttlMs } = options;
  const faults = new OptionFaults('viaRedis()');
  faults.oneOf({ url, client, token });
  if (url !== undefined) {
    try {
      readRedisUrl(url);
    } catch (error) {
      faults.ofUrl(url, describeError(error));
    }
  }
  if (key !== undefined && (typeof key !== 'string' || key === '')) faults.add('key is no text');
  faults.ttlMs(ttlMs);
  faults.throwIfAny();
}
