import type { Clock } from '../time/clock.js';
import type { FoundResult, FoundSource, Mesh } from '../mesh/mesh.js';
import { compareNames } from '../naming/node-name.js';
import { within } from '../time/waiting.js';

/** What a name that two providers listed is best told by. */
const TELLING: readonly FoundResult['result'][] = [
  'connected',
  'self',
  'failed',
  'disconnected',
  'waiting',
  'pending',
];

/** Hands names to the mesh and waits for its attempts, but not for ever: what is left then is `pending`. */
export async function tryNames(
  mesh: Mesh,
  names: readonly string[],
  source: FoundSource,
  { waitMs, stopped, clock }: { waitMs: number; stopped: AbortSignal; clock: Clock },
): Promise<FoundResult[]> {
  const results = await within(waitMs, mesh.found(names, source), stopped, clock);
  return results ?? names.map((name) => resultSoFar(mesh, name));
}

/** One result a name, sorted by name. */
export function mergeResults(results: readonly FoundResult[]): FoundResult[] {
  const byName = new Map<string, FoundResult>();
  for (const result of results) {
    const other = byName.get(result.name);
    if (!other || rank(result) < rank(other)) byName.set(result.name, result);
  }
  return [...byName.values()].sort((a, b) => compareNames(a.name, b.name));
}

function resultSoFar(mesh: Mesh, name: string): FoundResult {
  if (name === mesh.self.name) return { name, result: 'self' };
  const peer = mesh.peers.find((one) => one.name === name);
  return peer ? { name, result: 'connected', bootId: peer.bootId } : { name, result: 'pending' };
}

function rank({ result }: FoundResult): number {
  return TELLING.indexOf(result);
}
