import type { PeerageProvider } from 'nestjs-peerage';
import type { SubpathConfig } from './node-config.js';

/** A provider of a subpath, which is loaded only then. */
export async function subpathProvider(one: SubpathConfig): Promise<PeerageProvider> {
  if ('redis' in one) {
    const { viaRedis } = await import('nestjs-peerage/redis');
    return viaRedis(one.redis);
  }
  if ('postgres' in one) {
    const { viaPostgres } = await import('nestjs-peerage/postgres');
    return viaPostgres(one.postgres);
  }
  const { viaKubernetes } = await import('nestjs-peerage/kubernetes');
  return viaKubernetes(one.kubernetes);
}
