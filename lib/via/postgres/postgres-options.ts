import { assertOptionNames, type OptionNames } from '../../naming/option-names.js';
import type { InjectionToken } from '@nestjs/common';
import type { PgPool } from './pg-types.js';
import { isTableName } from './statements.js';
import { OptionFaults } from '../option-faults.js';
import { repeatedIn } from '../url/url-query.js';

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

/** @throws PeerageError `INVALID_OPTIONS`, naming everything that is wrong. */
export function validatePostgresOptions(options: ViaPostgresOptions): void {
  assertOptionNames('viaPostgres()', options, NAMES);
  const { url, pool, token, table, cluster, ttlMs } = options;
  const faults = new OptionFaults('viaPostgres()');
  faults.oneOf({ url, pool, token });
  if (url !== undefined && !isPostgresUrl(url))
    faults.add('url is not of the form postgres://user@host/database');
  else if (url !== undefined) faults.ofUrl(url, ...parameterFaults(url));
  if (table !== undefined && !isTableName(table))
    faults.add('table is not of the form name or schema.name (letters, digits and _)');
  if (cluster !== undefined && (typeof cluster !== 'string' || !/^\S+$/.test(cluster)))
    faults.add('cluster is empty or has spaces');
  faults.ttlMs(ttlMs);
  faults.throwIfAny();
}

/** As `pg` reads it, which takes one without a host: `postgres://user@/database?host=/run/postgresql`. */
function isPostgresUrl(text: unknown): text is string {
  if (typeof text !== 'string' || !/^postgres(ql)?:\/\//.test(text)) return false;
  return URL.canParse(text.replace('@/', '@host/'));
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
function parameterFaults(url: string): string[] {
  const mark = url.indexOf('?');
  const parameters = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  const unknown = [...parameters.keys()].filter((key) => !PARAMETERS.has(key));
  return [
    ...unknown.map((key) => `url has a parameter ${key}, which neither PostgreSQL nor pg knows`),
    ...repeatedIn(parameters).map((key) => `url has the parameter ${key} more than once`),
  ];
}
