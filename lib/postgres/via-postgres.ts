import type { InjectionToken, Type } from '@nestjs/common';
import { PeerageError } from '../errors/peerage-error.js';
import { Lease } from '../via/lease.js';
import type { MeetingPoint } from '../via/meeting-point.js';
import { DEFAULT_TTL_MS, meetingProvider } from '../via/meeting-point.js';
import type { PeerageProvider } from '../via/provider.js';
import { viaInjected } from '../via/via-injected.js';
import { ownPostgres } from './own-postgres.js';
import type { PgPool, PgPort } from './pg-types.js';
import { poolPort } from './pg-types.js';
import { PostgresPoint } from './postgres-point.js';
import { isTableName } from './statements.js';

/**
 * Options of {@link viaPostgres}: one of `url`, `pool` and `token`.
 *
 * @publicApi
 */
export interface ViaPostgresOptions {
  /** `postgres://…`: a small pool of its own, by the package `pg`. */
  readonly url?: string;
  /** A `Pool` of `pg` that the app has. It is left open. */
  readonly pool?: PostgresPool;
  /** The injection token under which the app's container has such a pool. */
  readonly token?: InjectionToken;
  /** The table, made on first use, and the channel of its notifications. @default 'peerage_nodes' */
  readonly table?: string;
  /** Nodes with the same one meet; several clusters can share a table. @default the app name */
  readonly cluster?: string;
  /** How long the row of a node that was killed counts, in milliseconds, at least 1,000. @default 30000 */
  readonly ttlMs?: number;
}

/**
 * A `Pool` of the package `pg`.
 *
 * @publicApi
 */
export type PostgresPool = PgPool;

const MIN_TTL_MS = 1_000;

/**
 * Finds the nodes that share a PostgreSQL database: each keeps a row in a table while it runs, and
 * notifications tell the others of a new one. Through a pooler that has no LISTEN, the table is read at every
 * poll and a new node is found then. No peer is lost while the server is down.
 *
 * @throws PeerageError `INVALID_OPTIONS`. Its `poll` rejects with `PROVIDER_FAILED` and `PROVIDER_TIMEOUT`.
 * @publicApi
 */
export function viaPostgres(
  options: ViaPostgresOptions & { readonly token: InjectionToken },
): Type<PeerageProvider>;
export function viaPostgres(options: ViaPostgresOptions): PeerageProvider;
export function viaPostgres(options: ViaPostgresOptions): PeerageProvider | Type<PeerageProvider> {
  validate(options);
  const { url, pool, token } = options;
  if (token !== undefined)
    return viaInjected<PgPool>(token, (value) => provider(options, async () => portOf(value)));
  if (pool) {
    const port = portOf(pool);
    return provider(options, async () => port);
  }
  return provider(options, () => ownPostgres(url!));
}

function provider(options: ViaPostgresOptions, open: () => Promise<PgPort>): PeerageProvider {
  const { table = 'peerage_nodes', cluster, ttlMs = DEFAULT_TTL_MS } = options;
  const points = new Lease<MeetingPoint>(
    async () => new PostgresPoint(await open(), { table, cluster, ttlMs }),
    (point) => point.close(),
  );
  return meetingProvider('postgres', points, ttlMs);
}

function portOf(pool: PgPool): PgPort {
  const { query, options } = (pool ?? {}) as Partial<PgPool>;
  if (typeof query === 'function' && typeof options === 'object') return poolPort(pool);
  throw new PeerageError('INVALID_OPTIONS', 'viaPostgres(): what was given as the pool is no Pool of pg.');
}

function validate({ url, pool, token, table, cluster, ttlMs }: ViaPostgresOptions): void {
  const faults: string[] = [];
  const given = [url, pool, token].filter((value) => value !== undefined).length;
  if (given !== 1) faults.push('give one of url, pool and token');
  if (url !== undefined && !/^postgres(ql)?:\/\//.test(url))
    faults.push('url is not of the form postgres://user@host/database');
  if (table !== undefined && !isTableName(table))
    faults.push('table is not of the form name or schema.name (letters, digits and _)');
  if (cluster !== undefined && (typeof cluster !== 'string' || !/^\S+$/.test(cluster)))
    faults.push('cluster is empty or has spaces');
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= MIN_TTL_MS))
    faults.push(`ttlMs ${String(ttlMs)} is not an integer of at least ${MIN_TTL_MS} (milliseconds)`);
  if (faults.length > 0) throw new PeerageError('INVALID_OPTIONS', `viaPostgres(): ${faults.join('; ')}.`);
}
