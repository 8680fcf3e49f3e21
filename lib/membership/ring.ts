import { sendBeat } from './beats.js';
import type { Core, PeerRecord } from './core.js';
import { RETUNE_MS } from '../time/liveness-timing.js';

/** Each node watches so many successors on the ring of boot ids: all others, while there are no more. */
const SUCCESSORS = 10;

/** A peer came or went. A small ring is drawn at once, and a larger one when it had time to settle. */
export function ringChanged(core: Core): void {
  core.ring = undefined;
  if (core.peers.size <= SUCCESSORS) recomputeRing(core);
  else if (!core.timers.has('ring', '')) core.timers.set('ring', '', core.nowMs + RETUNE_MS);
}

/** Whom we watch, and whom no longer, is told how often to beat. */
export function recomputeRing(core: Core): void {
  const watched = new Set(after(core, core.self.bootId));
  for (const [bootId, peer] of core.peers) {
    if (watched.has(bootId) === (peer.watched !== undefined)) continue;
    if (watched.has(bootId)) peer.watched = core.clock.now;
    else delete peer.watched;
    // A connection that begins at this moment tells by itself.
    if (!core.timers.has('beat', bootId)) continue;
    core.timers.set('judge', bootId, core.nowMs);
    sendBeat(core, peer);
  }
}

/** Who watches this peer, as far as we know: its predecessors on the ring. */
export function watchersOf(core: Core, { node }: PeerRecord): PeerRecord[] {
  const ids = sorted(core);
  const at = ids.indexOf(node.bootId);
  const before = Array.from({ length: Math.min(SUCCESSORS, ids.length - 1) }, (_, i) => ids.at(at - 1 - i)!);
  return before.map((bootId) => core.peers.get(bootId)!);
}

function after(core: Core, own: string): string[] {
  const ids = sorted(core);
  const first = Math.max(
    0,
    ids.findIndex((bootId) => bootId > own),
  );
  return [...ids.slice(first), ...ids.slice(0, first)].slice(0, SUCCESSORS);
}

function sorted(core: Core): string[] {
  return (core.ring ??= [...core.peers.keys()].sort());
}
