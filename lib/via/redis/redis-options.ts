import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import type { InjectionToken } from '@nestjs/common';
import { describeError, PeerageError } from '../../errors/peerage-error.js';
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

const MIN_TTL_MS = 1_000;

/** @throws PeerageError `INVALID_OPTIONS`, naming everything that is wrong. */
export function validateRedisOptions(options: ViaRedisOptions): void {
  assertOptionNames('viaRedis()', options, NAMES);
  const { url, client, token, key, ttlMs } = options;
  const faults: string[] = [];
  const given = [url, client, token].filter((value) => value !== undefined).length;
  if (given !== 1) faults.push('give one of url, client and token');
  if (url !== undefined) {
    try {
      readRedisUrl(url);
    } catch (error) {
      faults.push(describeError(error));
    }
  }
  if (key !== undefined && (typeof key !== 'string' || key === '')) faults.push('key is no text');
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= MIN_TTL_MS))
    faults.push(`ttlMs ${String(ttlMs)} is not an integer of at least ${MIN_TTL_MS} (milliseconds)`);
  if (faults.length > 0) throw new PeerageError('INVALID_OPTIONS', `viaRedis(): ${faults.join('; ')}.`);
}
