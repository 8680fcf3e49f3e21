import type { PeerageProvider } from './provider.js';

/**
 * Finds only the node itself: hello world, and nodes that wait to be found by others.
 *
 * @publicApi
 */
export function viaSelf(): PeerageProvider {
  return { name: 'self', poll: ({ self }) => [self.name] };
}
