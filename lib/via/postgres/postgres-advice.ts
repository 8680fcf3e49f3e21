import { codeOf, describeError } from '../../errors/thrown.js';
import { certificateAdvice } from '../registry/untrusted-certificate.js';

const TRUST = 'give sslrootcert=/path/to/ca.pem in the URL, or a pool of your own with the right ssl options';

/** Without USAGE a schema is passed over as if it were not there. */
const GRANT = 'GRANT USAGE, CREATE ON SCHEMA public TO this user (USAGE is enough where the table is there)';

/** By the code that the server gave. */
const ADVICE: Readonly<Record<string, string>> = {
  '25006':
    'Either this is a standby: give the address of the primary. Or it is the primary (SELECT pg_is_in_recovery() says f) ' +
    'and default_transaction_read_only is on for this user, database or server, as some clouds set it when the disk is ' +
    'full: switch it off.',
  '28000': 'The server does not let this user in from here (pg_hba.conf), or not without TLS.',
  '28P01': 'The server does not accept this user and password.',
  '3D000': 'There is no such database on this server.',
  '3F000': `There is no such schema, or this user may not use it: make it, ${GRANT}, or name the table as schema.table.`,
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

function poolerAdvice(error: unknown): string {
  return /startup parameter/i.test(describeError(error))
    ? 'A pooler does not pass on every parameter of the URL: leave it out (the table can be named as schema.table), or ' +
        'let the pooler ignore it (ignore_startup_parameters of PgBouncer).'
    : 'That says a pooler, which tries its server again after a while (server_login_retry of PgBouncer).';
}

/** What to do about an error of a PostgreSQL client, in a sentence. `create`: the statement that makes the table. */
export function postgresAdvice(error: unknown, create: string): string {
  const code = codeOf(error);
  if (code === '42501')
    return (
      `Let this user make the table, or make it and grant SELECT, INSERT, UPDATE and DELETE on it: ${create}. ` +
      `Its schema needs ${GRANT}.`
    );
  const certificate = certificateAdvice(error, TRUST);
  if (certificate !== undefined) return certificate;
  if (code === OF_POOLER) return poolerAdvice(error);
  const advice = ADVICE[code];
  if (advice !== undefined) return advice;
  if (/timeout/i.test(describeError(error)))
    return 'The server hangs, or the connection is dead; another one is used next time.';
  return 'Check that the server is up and its address and password are right.';
}
