import { canonicalName } from '../../naming/node-name.js';
import type { PeerageProvider } from '../provider.js';
import type { Registry } from './registry.js';
import { RegistrySession } from './registry-session.js';
import type { SharedResource } from './shared-resource.js';

/** A provider whose nodes find each other in a store. */
export function viaRegistry(
  name: string,
  registries: SharedResource<Registry>,
  ttlMs: number,
): PeerageProvider {
  return {
    name,
    poll: ({ self, signal }) =>
      registries.use(async (registry) => {
        const ownName = canonicalName(self.name);
        const names = (await registry.entries(self, signal)).map((entry) => entry.name);
        return [...new Set(names)].filter((each) => each !== ownName);
      }),
    serve: async (context) => {
      if (context.signal.aborted) return;
      await registries.use((registry) => new RegistrySession(registry, context, ttlMs).run());
    },
  };
}
