import { canonicalName } from '../../naming/node-name.js';
import type { PeerageProvider } from '../provider.js';
import { sharedNames } from './namesakes.js';
import type { WarnedPoll } from './own-address.js';
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
    poll: ({ self, signal, warn }: WarnedPoll) =>
      registries.use(async (registry) => {
        const ownName = canonicalName(self.name);
        const entries = await registry.entries(self, signal);
        const shared = sharedNames(entries);
        if (shared.length > 0) warn?.(severalOfOneName(shared, ttlMs));
        const names = entries.map((entry) => entry.name);
        return [...new Set(names)].filter((each) => each !== ownName);
      }),
    serve: async (context) => {
      if (context.signal.aborted) return;
      await registries.use((registry) => new RegistrySession(registry, context, ttlMs).run());
    },
  };
}

function severalOfOneName(names: readonly string[], ttlMs: number): string {
  return (
    `several processes are registered as ${names.slice(0, 3).join(', ')}: all but one were killed less than ${ttlMs} ms ago, ` +
    'or live on hosts of the same address, and need a host (PEERAGE_HOST) of their own'
  );
}
