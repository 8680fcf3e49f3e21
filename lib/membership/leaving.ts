import type { Core, PeerRecord } from './core.js';
import type { Leaving } from '../wire/frames.js';

/** This node shuts down: every peer is told, also those that come meanwhile. */
export function drain(core: Core): void {
  if (core.isDraining) return;
  core.isDraining = true;
  for (const peer of core.peers.values()) tellLeaving(core, peer);
}

export function tellLeaving(core: Core, peer: PeerRecord): void {
  peer.knowsOurLeaving = false;
  if (peer.link !== undefined) core.send(peer.link, { kind: 'leaving', body: {} });
}

/** A peer says that it shuts down, or has heard that we do. */
export function takeLeaving(core: Core, peer: PeerRecord, { heard }: Leaving): void {
  if (heard) {
    peer.knowsOurLeaving = true;
    return;
  }
  if (peer.link !== undefined) core.send(peer.link, { kind: 'leaving', body: { heard: true } });
  if (peer.isLeaving) return;
  peer.isLeaving = true;
  core.out.push({ type: 'emit', event: { type: 'peer.leaving', peer: core.snapshot(peer) } });
}

/** Whether every peer that is connected has heard that this node shuts down. */
export function allKnowOurLeaving(core: Core): boolean {
  return [...core.peers.values()].every(({ link, knowsOurLeaving }) => link === undefined || knowsOurLeaving);
}
