import { codeOf } from '../../errors/thrown.js';
import type { PgPool, PgPoolClient, PgResult } from './pg-types.js';

/** The server's limit comes first, so that it says why. */
const SERVER_SHARE = 0.75;
const READ_ONLY = '25006';

/**
 * Asks under a time limit that the server keeps as well. A client alone that gives up leaves its statement behind: one
 * that waits for a lock would go on waiting, with its connection, and each try would add one, until the server has none
 * left. The limit is one of the transaction, so that no pooler hands it on to others.
 *
 * @throws the error of the server or of the connection
 */
export async function askInTime(
  pool: PgPool,
  text: string,
  values: unknown[],
  ms: number,
): Promise<PgResult> {
  const client = await takeTurn(pool, ms);
  let isSound = false;
  try {
    const result = await transaction(client, text, values, ms);
    isSound = true;
    return result;
  } catch (error) {
    isSound = await rolledBack(client, error, ms);
    throw error;
  } finally {
    client.off('error', ignore);
    // A connection that is dead without a word is closed, and the next one is another.
    client.release(!isSound);
  }
}

/** The address of this machine at the end of a connection, where the client tells. */
export async function localAddressOf(pool: PgPool, ms: number): Promise<string | undefined> {
  const client = await takeTurn(pool, ms);
  client.off('error', ignore);
  client.release();
  return client.connection?.stream?.localAddress;
}

/** Since when connections of a pool are waited for. */
const waiting = new WeakMap<PgPool, Set<{ readonly atMs: number }>>();

/** A connection, unless one is waited for already that does not come: a pool that makes none must not be used up by us. */
async function takeTurn(pool: PgPool, ms: number): Promise<PgPoolClient> {
  const since = waiting.get(pool) ?? new Set();
  const turn = { atMs: performance.now() };
  if ([...since].some(({ atMs }) => turn.atMs - atMs >= ms))
    throw new Error(
      'the pool gives no connection (timeout): it is used up, or has no connectionTimeoutMillis',
    );
  waiting.set(pool, since.add(turn));
  try {
    return await connectionOf(pool);
  } finally {
    since.delete(turn);
  }
}

/**
 * A connection, with a listener for errors from the very moment it is ours: nobody else hears of one that breaks between
 * two statements, or in the turn in which it is handed out, and Node would end the process.
 */
function connectionOf(pool: PgPool): Promise<PgPoolClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      client?.on('error', ignore);
      if (client) resolve(client);
      else reject(error ?? new Error('the pool gave no connection'));
    });
  });
}

async function transaction(
  client: PgPoolClient,
  text: string,
  values: unknown[],
  ms: number,
): Promise<PgResult> {
  const limit = Math.ceil(ms * SERVER_SHARE);
  await client.query({ text: `BEGIN; SET LOCAL statement_timeout = ${limit}`, query_timeout: ms });
  const result = await client.query({ text, values, query_timeout: ms });
  await client.query({ text: 'COMMIT', query_timeout: ms });
  return result;
}

/** Whether the server has answered that it refuses, and the connection can go on. */
async function rolledBack(client: PgPoolClient, error: unknown, ms: number): Promise<boolean> {
  const { severity } = error as { severity?: unknown };
  // After a failover a connection may still lead to what is a standby now; another one is resolved anew.
  if (severity !== 'ERROR' || codeOf(error) === READ_ONLY) return false;
  return client.query({ text: 'ROLLBACK', query_timeout: ms }).then(
    () => true,
    () => false,
  );
}

function ignore(): void {
  // The next statement fails.
}
