import type { InjectionToken, Type } from '@nestjs/common';
import { PeerageError } from '../../errors/peerage-error.js';
import { SharedResource } from '../registry/shared-resource.js';
import { DEFAULT_TTL_MS } from '../registry/registry.js';
import type { Registry } from '../registry/registry.js';
import { viaRegistry } from '../registry/via-registry.js';
import type { PeerageProvider } from '../provider.js';
import { viaInjected } from '../via-injected.js';
import { ownPostgres } from './own-postgres.js';
import type { PgPool, PgPort } from './pg-types.js';
import { poolPort } from './pg-types.js';
import type { ViaPostgresOptions } from './postgres-options.js';
import { POSTGRES, validatePostgresOptions } from './postgres-options.js';
import { PostgresRegistry } from './postgres-registry.js';

export type { PostgresPool, ViaPostgresOptions } from './postgres-options.js';

/**
 * Finds the nodes that share a PostgreSQL database: each keeps a row in a table while it runs, and
 * notifications tell the others of a new one. Through a pooler that has no LISTEN, the table is read at every
 * poll and a new node is found then, which a warning says. No peer is lost while the server is down.
 *
 * @throws PeerageError `INVALID_OPTIONS`. Its `poll` rejects with `PROVIDER_FAILED` and `PROVIDER_TIMEOUT`.
 * @publicApi
 */
export function viaPostgres(
  options: ViaPostgresOptions & { readonly token: InjectionToken },
): Type<PeerageProvider>;
export function viaPostgres(options: ViaPostgresOptions): PeerageProvider;
export function viaPostgres(options: ViaPostgresOptions): PeerageProvider | Type<PeerageProvider> {
  validatePostgresOptions(options);
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
  const registries = new SharedResource<Registry>(
    async () => new PostgresRegistry(await open(), { table, cluster, ttlMs }),
    (registry) => registry.close(),
  );
  return viaRegistry(POSTGRES, registries, ttlMs);
}

function portOf(pool: PgPool): PgPort {
  const { connect, options } = (pool ?? {}) as Partial<PgPool>;
  if (typeof connect === 'function' && typeof options === 'object') return poolPort(pool);
  throw new PeerageError('INVALID_OPTIONS', 'viaPostgres(): what was given as the pool is no Pool of pg.');
}
