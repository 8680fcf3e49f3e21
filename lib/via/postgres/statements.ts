import { createHash } from 'node:crypto';

/** What is said to the server, about one table. Times are the server's: clocks of hosts differ. */
export interface Statements {
  /** Of the table, quoted, when it was given. */
  readonly schema: string | undefined;
  readonly create: string;
  /** cluster, boot id, name, milliseconds. Answers `is_new`. */
  readonly register: string;
  /** cluster */
  readonly sweep: string;
  /** cluster. Answers `name` and `boot_id`. */
  readonly entries: string;
  /** cluster, boot id */
  readonly leave: string;
  /** channel, text */
  readonly notify: string;
  /** Answers `identity`: schema and table as the server knows them. Fails as the others do when there is no table. */
  readonly identity: string;
}

const TABLE = /^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$/;

export function isTableName(text: unknown): text is string {
  return typeof text === 'string' && TABLE.test(text);
}

/** `table`: checked by `isTableName`. */
export function statementsFor(table: string): Statements {
  const parts = table.split('.').map((part) => `"${part}"`);
  const name = parts.join('.');
  return {
    schema: parts.length > 1 ? parts[0] : undefined,
    create:
      `CREATE TABLE IF NOT EXISTS ${name} (cluster text NOT NULL, boot_id text NOT NULL, name text NOT NULL, ` +
      'expires_at timestamptz NOT NULL, PRIMARY KEY (cluster, boot_id))',
    register:
      `INSERT INTO ${name} (cluster, boot_id, name, expires_at) ` +
      `VALUES ($1, $2, $3, clock_timestamp() + $4::float8 * interval '1 millisecond') ` +
      'ON CONFLICT (cluster, boot_id) DO UPDATE SET name = excluded.name, expires_at = excluded.expires_at ' +
      'RETURNING xmax = 0 AS is_new',
    // Two that sweep at once must not wait for each other.
    sweep:
      `DELETE FROM ${name} WHERE (cluster, boot_id) IN (SELECT cluster, boot_id FROM ${name} ` +
      'WHERE cluster = $1 AND expires_at <= clock_timestamp() FOR UPDATE SKIP LOCKED)',
    entries: `SELECT name, boot_id FROM ${name} WHERE cluster = $1 AND expires_at > clock_timestamp()`,
    leave: `DELETE FROM ${name} WHERE cluster = $1 AND boot_id = $2`,
    notify: 'SELECT pg_notify($1, $2)',
    identity:
      "SELECT n.nspname || '.' || c.relname AS identity FROM pg_class c JOIN pg_namespace n " +
      `ON n.oid = c.relnamespace WHERE c.oid = '${name}'::regclass`,
  };
}

/** The longest name that PostgreSQL keeps whole, in bytes. */
const MAX_NAME_BYTES = 63;

/** The channel of a table, by its schema and name. One that is too long is told from others by its hash. */
export function channelOf(identity: string): string {
  const channel = `peerage:${identity}`.replaceAll('"', '_');
  if (Buffer.byteLength(channel) <= MAX_NAME_BYTES) return channel;
  return `peerage:${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}
