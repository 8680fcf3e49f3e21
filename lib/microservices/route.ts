import { PeerageError } from '../errors/peerage-error.js';
import type { Peer } from '../membership/events.js';
import { didYouMean } from '../naming/did-you-mean.js';
import { canonicalName } from '../naming/node-name.js';
import { best } from '../ownership/core/rendezvous.js';
import type { NodeRef } from './local-or-remote.js';
import type { Candidates } from './pattern-registry.js';

/**
 * Where a request or an event goes, among the nodes that have its pattern. This node is one of them.
 *
 * - `any`: one after the other. Not one whose event loop is blocked, or that shuts down, while there is another.
 * - `nearest`: of the same ones, that with the shortest round trip. This node itself, when it has the pattern.
 * - `all`: every one, but no request to those that shut down. A request gets the responses of all, as they come, and
 *   ends with the last; the first error ends it.
 * - `{ key }`: always the same one for the same key, on whatever node this is asked, for as long as the nodes
 *   are the same. When one comes, goes or begins to shut down, only its share of the keys moves.
 * - `{ node }`: the one with this name or boot id.
 *
 * @publicApi
 */
export type Route = 'any' | 'nearest' | 'all' | { readonly key: string | number } | { readonly node: string };

const NAMED = ['any', 'nearest', 'all'];

/** @throws PeerageError `INVALID_OPTIONS` */
export function assertRoute(route: unknown): void {
  if (typeof route === 'object' && route !== null) {
    const { key, node } = route as { readonly key?: unknown; readonly node?: unknown };
    if (typeof key === 'string' || typeof key === 'number' || typeof node === 'string') return;
  }
  if (typeof route === 'string' && NAMED.includes(route)) return;
  const given = typeof route === 'string' ? JSON.stringify(route) : `Something of the type ${typeof route}`;
  const near = typeof route === 'string' ? didYouMean(route, NAMED) : undefined;
  const what = `${given} is no route${near === undefined ? '' : ` (did you mean "${near}"?)`}`;
  throw new PeerageError(
    'INVALID_OPTIONS',
    `${what}; there are any, nearest, all, { key } with a text or number, and { node } with a name or boot id.`,
  );
}

/**
 * The candidates that a route leads to.
 *
 * @throws PeerageError `INVALID_OPTIONS` for something that is no route, `INVALID_NAME`
 */
export function choose(
  route: Route,
  candidates: Candidates,
  peers: () => readonly Peer[],
): readonly NodeRef[] {
  const { nodes, staying, well } = candidates;
  if (nodes.length === 0 || route === 'all') return nodes;
  if (route === 'any') return [well[candidates.cursor++ % well.length]!];
  if (route === 'nearest') return [least(well, distances(peers()))];
  assertRoute(route);
  if ('key' in route) return [best(String(route.key), staying, ({ name }) => name)!];
  const found = nodes.filter(({ name, bootId }) => name === route.node || bootId === route.node);
  // Parsing a name takes longer than sending a message to it.
  if (found.length > 0 || !route.node.includes('@')) return found;
  const wanted = canonicalName(route.node);
  return nodes.filter(({ name }) => name === wanted);
}

/** Round trips in milliseconds; who is no peer is ourselves. */
function distances(peers: readonly Peer[]): (node: NodeRef) => number {
  const ofPeer = new Map(peers.map(({ bootId, rttMs }) => [bootId, rttMs ?? Infinity]));
  return (node) => ofPeer.get(node.bootId) ?? 0;
}

function least(nodes: readonly NodeRef[], cost: (node: NodeRef) => number): NodeRef {
  let found = nodes[0]!;
  let lowest = cost(found);
  for (const node of nodes.slice(1)) {
    const its = cost(node);
    if (its < lowest) [found, lowest] = [node, its];
  }
  return found;
}
