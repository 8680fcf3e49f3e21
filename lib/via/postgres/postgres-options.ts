import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import type { InjectionToken } from '@nestjs/common';
import { PeerageError } from '../../errors/peerage-error.js';
import type { PgPool } from './pg-types.js';
import { isTableName } from './statements.js';

/**
 * Options of {@link viaPostgres}: one of `url`, `pool` and `token`.
 *
 * @publicApi
 */
export interface ViaPostgresOptions {
  /** `postgres://user@host/database?sslmode=…`: a small pool of its own, by the package `pg`. */
  readonly url?: string | undefined;
  /** A `Pool` of `pg` that the app has. It is left open. */
  readonly pool?: PostgresPool | undefined;
  /** The injection token under which the app's container has such a pool. */
  readonly token?: InjectionToken | undefined;
  /** The table, made on first use; the channel of its notifications is named after it and its schema. @default 'peerage_nodes' */
  readonly table?: string | undefined;
  /** Nodes with the same one meet; several clusters can share a table. @default the app name */
  readonly cluster?: string | undefined;
  /** How long the row of a node that was killed counts, in milliseconds, at least 1,000. @default 30000 */
  readonly ttlMs?: number | undefined;
}

/**
 * A `Pool` of the package `pg`.
 *
 * @publicApi
 */
export type PostgresPool = PgPool;

/** What logs and events call it. */
export const POSTGRES = 'postgres';

const NAMES: OptionNames<ViaPostgresOptions> = {
  url: true,
  pool: true,
  token: true,
  table: true,
  cluster: true,
  ttlMs: true,
};

const MIN_TTL_MS = 1_000;

/** @throws PeerageError `INVALID_OPTIONS`, naming everything that is wrong. */
export function validatePostgresOptions(options: ViaPostgresOptions): void {
  assertOptionNames('viaPostgres()', options, NAMES);
  const { url, pool, token, table, cluster, ttlMs } = options;
  const faults: string[] = [];
  const given = [url, pool, token].filter((value) => value !== undefined).length;
  if (given !== 1) faults.push('give one of url, pool and token');
  if (url !== undefined && !/^postgres(ql)?:\/\//.test(url))
    faults.push('url is not of the form postgres://user@host/database');
  else if (url !== undefined) faults.push(...unknownParameters(url));
  if (table !== undefined && !isTableName(table))
    faults.push('table is not of the form name or schema.name (letters, digits and _)');
  if (cluster !== undefined && (typeof cluster !== 'string' || !/^\S+$/.test(cluster)))
    faults.push('cluster is empty or has spaces');
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= MIN_TTL_MS))
    faults.push(`ttlMs ${String(ttlMs)} is not an integer of at least ${MIN_TTL_MS} (milliseconds)`);
  if (faults.length > 0) throw new PeerageError('INVALID_OPTIONS', `viaPostgres(): ${faults.join('; ')}.`);
}

/** What a connection string may say after its question mark, by the documentation of libpq and of `pg`. */
const PARAMETERS = new Set(
  (
    'host port user password dbname database ssl sslmode sslcert sslkey sslpassword sslrootcert sslcrl ' +
    'sslnegotiation channel_binding uselibpqcompat application_name fallback_application_name options ' +
    'client_encoding encoding connect_timeout connectionTimeoutMillis statement_timeout lock_timeout ' +
    'query_timeout idle_in_transaction_session_timeout keepalives keepalives_idle keepAlive ' +
    'target_session_attrs gssencmode pgbouncer'
  ).split(' '),
);

/** Whoever misspells a parameter would otherwise get its default in silence. */
function unknownParameters(url: string): string[] {
  const mark = url.indexOf('?');
  const keys = mark < 0 ? [] : [...new URLSearchParams(url.slice(mark + 1)).keys()];
  return keys
    .filter((key) => !PARAMETERS.has(key))
    .map((key) => `url has a parameter ${key}, which neither PostgreSQL nor pg knows`);
}
