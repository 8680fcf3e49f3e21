import { fnv1a } from '../../naming/fnv1a.js';

/**
 * Rendezvous hashing: every node gives a key the same order of ids, whatever order it knows them in. When an id
 * comes or goes, only its share of the keys moves.
 */

/** The ids in the order in which they get the key: the first owns it, the second is next when that one is gone. */
export function rank(key: string, ids: readonly string[]): string[] {
  const costs = new Map(ids.map((id) => [id, costOf(id, key)]));
  return [...ids].sort((a, b) => costs.get(a)! - costs.get(b)! || (a < b ? -1 : a > b ? 1 : 0));
}

/** The first of `rank`, at less cost. */
export function best<T>(key: string, nodes: readonly T[], idOf: (node: T) => string): T | undefined {
  let first: T | undefined;
  let lowest = Infinity;
  for (const node of nodes) {
    const cost = costOf(idOf(node), key);
    if (cost > lowest || (cost === lowest && idOf(node) >= idOf(first!))) continue;
    first = node;
    lowest = cost;
  }
  return first;
}

/** FNV-1a of id and key, its bits mixed as MurmurHash3 does. */
function costOf(id: string, key: string): number {
  let hash = fnv1a(`${id}\n${key}`);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
