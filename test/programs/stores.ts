import type { PeerageProvider } from 'nestjs-peerage';
import type { StoreConfig } from './node-config.js';

/** A provider that an optional package is needed for; it is loaded only then. */
export async function storeProvider(store: StoreConfig): Promise<PeerageProvider> {
  if ('redis' in store) {
    const { viaRedis } = await import('nestjs-peerage/redis');
    return viaRedis(store.redis);
  }
  const { viaPostgres } = await import('nestjs-peerage/postgres');
  return viaPostgres(store.postgres);
}
