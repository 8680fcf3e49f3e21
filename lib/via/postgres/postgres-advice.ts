import { codeOf, describeError } from '../../errors/thrown.js';
import { certificateAdvice } from '../registry/untrusted-certificate.js';

const TRUST = 'give sslrootcert=/path/to/ca.pem in the URL, or a pool of your own with the right ssl options';

/** Without USAGE a schema is passed over as if it were not there. */
function grantOn(schema: string): string {
  return `GRANT USAGE, CREATE ON SCHEMA ${schema} TO this user (USAGE is enough where the table is there)`;
}

/** By the code that the server gave. */
const ADVICE: Readonly<Record<string, string>> = {
  '25006':
    'Either this is a standby: give the address of the primary. Or it is the primary (SELECT pg_is_in_recovery() says f) ' +
    'and default_transaction_read_only is on for this user, database or server, as some clouds set it when the disk is ' +
    'full: switch it off.',
  '28P01': 'The server does not accept this user and password.',
  '3D000': 'There is no such database on this server.',
  '40001': 'Two nodes wrote at once, and the isolation of this database lets one of them try again.',
  '42703': 'The table has other columns than ours: give viaPostgres() another `table`.',
  '55P03': 'Somebody else has locked the table: see pg_locks.',
  '57014':
    'The server stopped it after its time: it is overloaded, somebody else has locked the table (see pg_locks), or its ' +
    'statement_timeout is very short.',
  '53100': 'The disk of the server is full.',
  '57P03': 'The server is starting, or recovers; it is asked again.',
  '53300': 'The server has no connection left: raise max_connections, or use a pooler.',
};

/** PgBouncer has this code for whatever it says itself. */
const OF_POOLER = '08P01';

/** By what it says; the first that fits holds. */
const OF_POOLER_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /startup parameter/i,
    'A pooler does not pass on every parameter of the URL: leave it out (the table can be named as schema.table), or ' +
      'let the pooler ignore it (ignore_startup_parameters of PgBouncer).',
  ],
  [
    /statement pooling mode/i,
    'Through a pooler with pool_mode = statement viaPostgres() never works, since it has transactions: use pool_mode = ' +
      'session, or transaction, or give the address of the server itself.',
  ],
  [
    /max_\w*(conn|client)/i,
    'The pooler takes no more clients: raise that limit there (max_client_conn and those like it of PgBouncer).',
  ],
  [
    /query_wait_timeout/i,
    'The pooler had no connection to its server free in time: its pool is used up (raise default_pool_size of PgBouncer), ' +
      'or the server does not answer it.',
  ],
  [
    /config error|no such (user|database)/i,
    'The pooler does not know this user or database, or its own configuration is wrong ([databases] and auth_file of ' +
      'PgBouncer): its log says which.',
  ],
  [
    /server_login_retry|login (has been )?fail|cannot connect|connect failed|server down/i,
    'That says a pooler, which tries its server again after a while (server_login_retry of PgBouncer).',
  ],
];

function poolerAdvice(error: unknown): string {
  const text = describeError(error);
  return (
    OF_POOLER_ADVICE.find(([said]) => said.test(text))?.[1] ??
    'That says a pooler rather than the server: see its log.'
  );
}

/** Who is not let in, before it is asked for a password. */
function userAdvice(error: unknown): string {
  const text = describeError(error);
  if (/role .* does not exist/i.test(text))
    return 'The server has no such user: make it (CREATE ROLE … LOGIN), or give another one, the same on all nodes.';
  if (/not permitted to log in/i.test(text)) return 'Let this user log in: ALTER ROLE … LOGIN.';
  return 'The server does not let this user in from here (pg_hba.conf), or not without TLS.';
}

function schemaAdvice(schema: string | undefined): string {
  if (schema === undefined)
    return (
      'There is no such schema, or this user may not use it: make it, ' +
      `${grantOn('public')}, or name the table as schema.table.`
    );
  return `There is no schema ${schema}, or this user may not use it: CREATE SCHEMA ${schema}, ${grantOn(schema)}, or give another \`table\`.`;
}

/**
 * What to do about an error of a PostgreSQL client, in a sentence. `create`: the statement that makes the table.
 * `schema`: as it is written in a statement, where the table was given one.
 */
export function postgresAdvice(error: unknown, create: string, schema?: string): string {
  const code = codeOf(error);
  if (code === '42501')
    return (
      `Let this user make the table, or make it and grant SELECT, INSERT, UPDATE and DELETE on it: ${create}. ` +
      `Its schema needs ${grantOn(schema ?? 'public')}.`
    );
  const certificate = certificateAdvice(error, TRUST);
  if (certificate !== undefined) return certificate;
  if (code === OF_POOLER) return poolerAdvice(error);
  if (code === '28000') return userAdvice(error);
  if (code === '3F000') return schemaAdvice(schema);
  const advice = ADVICE[code];
  if (advice !== undefined) return advice;
  if (/timeout/i.test(describeError(error)))
    return 'The server hangs, or the connection is dead; another one is used next time.';
  return 'Check that the server is up and its address and password are right.';
}
