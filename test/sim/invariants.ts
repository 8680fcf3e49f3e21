import type { SimNode } from './sim-node.js';
import type { World } from './world.js';

/** What is wrong in a world where nothing has happened for a while. */
export function faultsOf(world: World): string[] {
  const live = [...world.nodes.values()].filter((node) => node.isAlive);
  return [
    ...live.flatMap((node) => viewFaults(node, live)),
    ...connectionFaults(live),
    ...alternationFaults(world),
    ...leavingFaults(live),
    ...[...world.nodes.values()].flatMap((node) => costFaults(world, node)),
  ];
}

/** Twice what the worst of 800 histories needed, on average over its time and its peers. */
const DIALS_PER_SECOND = 0.3;
const FRAMES_PER_SECOND = 4.5;

/** What a node cost its network, and what it remembers, has bounds whatever happened. */
function costFaults(world: World, node: SimNode): string[] {
  const others = world.nodes.size - 1;
  const seconds = world.nowMs / 1_000;
  const faults: string[] = [];
  if (node.dials > others * DIALS_PER_SECOND * seconds) faults.push(`${node.name} made ${node.dials} dials`);
  if (node.sent > others * FRAMES_PER_SECOND * seconds) faults.push(`${node.name} sent ${node.sent} frames`);
  const names = node.isAlive ? node.membership.explain(node.now()).length : 0;
  if (names > world.nodes.size + 1) faults.push(`${node.name} remembers ${names} addresses`);
  return faults;
}

/** All live nodes see each other, and nobody else. */
function viewFaults(node: SimNode, live: SimNode[]): string[] {
  const seen = new Set(node.membership.peers().map(({ bootId }) => bootId));
  const faults: string[] = [];
  for (const other of live) {
    if (other !== node && !seen.delete(other.bootId)) faults.push(`${node.name} does not see ${other.name}`);
  }
  for (const bootId of seen) faults.push(`${node.name} sees ${bootId}, which is dead`);
  return faults;
}

/** One connection per pair. */
function connectionFaults(live: SimNode[]): string[] {
  return live.flatMap((node) => {
    const counts = new Map<string, number>();
    for (const end of node.ends) {
      const other = end.pipe.ends[end.side === 0 ? 1 : 0].node;
      counts.set(other.name, (counts.get(other.name) ?? 0) + 1);
    }
    return [...counts]
      .filter(([, n]) => n !== 1)
      .map(([name, n]) => `${node.name} has ${n} connections to ${name}`);
  });
}

/** Nobody who stays is held for leaving. */
function leavingFaults(live: SimNode[]): string[] {
  return live.flatMap((node) =>
    node.membership
      .peers()
      .filter(({ status, bootId }) => status === 'leaving' && live.some((other) => other.bootId === bootId))
      .map(({ name }) => `${node.name} holds ${name} for leaving`),
  );
}

/** For each observer, `up` and `down` of one boot id take turns, `up` first; `leaving` comes once between. */
function alternationFaults(world: World): string[] {
  const faults: string[] = [];
  for (const node of world.nodes.values()) {
    const isUp = new Map<string, boolean>();
    const leaving = new Set<string>();
    for (const { observer, event } of node.events) {
      if (event.type === 'peer.leaving') {
        const key = `${observer} ${event.peer.bootId}`;
        if (!isUp.get(key) || leaving.has(key)) faults.push(`${node.name} was told ${event.type} of ${key}`);
        leaving.add(key);
      }
      if (event.type !== 'peer.up' && event.type !== 'peer.down') continue;
      const key = `${observer} ${event.peer.bootId}`;
      const comesUp = event.type === 'peer.up';
      if ((isUp.get(key) ?? false) === comesUp)
        faults.push(`${node.name} was told ${event.type} of ${key} twice`);
      isUp.set(key, comesUp);
      leaving.delete(key);
    }
  }
  return faults;
}
