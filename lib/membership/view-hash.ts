import { fnv1a } from '../naming/fnv1a.js';

/**
 * A node's part in the hash of a view: FNV-1a of its boot id. A view's hash is the sum of its nodes' parts modulo
 * 2^32: the same for every node with the same view, and kept up to date by one addition a change.
 */
export function viewPart(bootId: string): number {
  return fnv1a(bootId);
}
