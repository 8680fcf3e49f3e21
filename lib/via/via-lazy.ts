import type { PeerageProvider } from './provider.js';

/** A provider that is loaded when it is first used. */
export function viaLazy(name: string, load: () => Promise<PeerageProvider>): PeerageProvider {
  let loaded: Promise<PeerageProvider> | undefined;
  const provider = (): Promise<PeerageProvider> => (loaded ??= load());
  return {
    name,
    poll: async (context) => (await provider()).poll(context),
    serve: async (context) => (await provider()).serve?.(context),
  };
}
