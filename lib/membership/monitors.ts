import type { Core } from './core.js';

/** Up to this many nodes, all pairs beat. */
const ALL_PAIRS_NODES = 64;

/** Above that, each node monitors this many successors on the ring of boot ids. */
const SUCCESSORS = 10;

/** Changes of the ring are taken in together, this long after the first. */
const RETUNE_MS = 1_000;

/** Whether this node beats to that peer and waits for its signs of life. */
export function isMonitored(core: Core, bootId: string): boolean {
  return core.monitored === undefined || core.monitored.has(bootId);
}

/** A peer came or went: above the size for all pairs, the ring is drawn again soon. */
export function ringChanged(core: Core): void {
  const isRing = core.peers.size + 1 > ALL_PAIRS_NODES || core.monitored !== undefined;
  if (isRing && !core.timers.has('ring')) core.timers.set('ring', core.nowMs + RETUNE_MS);
}

/** Draws the ring again. Returns whom to start and whom to stop monitoring. */
export function drawRing(core: Core): { started: string[]; stopped: string[] } {
  const before = core.monitored ?? new Set(core.peers.keys());
  core.monitored = core.peers.size + 1 > ALL_PAIRS_NODES ? successors(core) : undefined;
  const after = core.monitored ?? new Set(core.peers.keys());
  return {
    started: [...after].filter((bootId) => !before.has(bootId)),
    stopped: [...before].filter((bootId) => !after.has(bootId)),
  };
}

function successors(core: Core): Set<string> {
  const ids = [...core.peers.keys()].sort();
  const first = ids.findIndex((bootId) => bootId > core.self.bootId);
  const from = first < 0 ? 0 : first;
  return new Set(Array.from({ length: SUCCESSORS }, (_, i) => ids[(from + i) % ids.length]!));
}
