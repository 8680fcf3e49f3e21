import { PeerageError } from '../../errors/peerage-error.js';
import { sleep } from '../../time/waiting.js';
import { isMissing } from '../registry/missing-package.js';
import type { PgPort } from './pg-types.js';
import { destroyClient, poolPort } from './pg-types.js';

const CONNECT_MS = 2_000;
/** So long a goodbye may take. */
const END_MS = 500;

/**
 * A small pool of our own.
 *
 * @throws PeerageError `PROVIDER_FAILED` when the package `pg` is not installed.
 */
export async function ownPostgres(url: string): Promise<PgPort> {
  const { default: pg } = await loadPg();
  const pool = new pg.Pool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: 'peerage',
  });
  const clients = new Set<unknown>();
  pool.on('error', () => {});
  pool.on('connect', (client) => clients.add(client));
  pool.on('remove', (client) => clients.delete(client));
  return {
    ...poolPort(pool),
    close: async () => {
      const patience = new AbortController();
      const ended = pool.end().finally(() => patience.abort());
      ended.catch(() => {});
      await sleep(END_MS, patience.signal);
      clients.forEach(destroyClient);
    },
  };
}

async function loadPg() {
  try {
    // Left to run time: webpack fails on a package that is not installed, within `try` too.
    return await import(/* webpackIgnore: true */ 'pg');
  } catch (cause) {
    if (!isMissing('pg', cause)) throw cause;
    const message = 'viaPostgres() with a URL needs the package pg: npm install pg.';
    throw new PeerageError('PROVIDER_FAILED', message, { cause });
  }
}
