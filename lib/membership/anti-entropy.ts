import type { Core, IntroducedLink, LinkRecord, PeerRecord } from './core.js';
import { foundHints, hasQueue } from './dialling.js';
import { type Digest, MIN_FRAME_BYTES, type PeerList } from '../wire/frames.js';

/** How often a node compares its view with one random peer. */
const DIGEST_MS = 30_000;

/** The source of names that other nodes told. */
export const TOLD = 'peers';

/** Who has fewer peers is told of all others at once; who has more has heard of most, and compares views. */
const NEWCOMER_PEERS = 16;

/** Bytes of a peer in a list, besides its name. */
const LISTED_BYTES = 64;

/** Views are compared this long after a connection began, or later, while there is something to dial. */
const COMPARE_MS = 1_000;

/**
 * A connection begins: a newcomer hears whom else we know. Told on every connection of a large cluster that
 * starts, the lists would be most of its traffic, so the dialer of any other connection compares views later.
 */
export function pushPeers(core: Core, peer: PeerRecord, link: IntroducedLink): void {
  if (link.remote.peers >= NEWCOMER_PEERS) {
    if (link.direction === 'outbound') compareLater(core, peer);
    return;
  }
  if (core.peers.size > 1) tellPeers(core, peer, link, false);
}

/** It is time to compare views with a peer. */
export function compareDue(core: Core, peer: PeerRecord): void {
  if (hasQueue(core)) compareLater(core, peer);
  else sendDigest(core, peer);
}

function compareLater(core: Core, { node }: PeerRecord): void {
  core.timers.set('compare', node.bootId, core.nowMs + COMPARE_MS);
}

/** A peer told whom it knows. */
export function takePeerList(core: Core, peer: PeerRecord, link: LinkRecord, list: PeerList): void {
  const strangers = list.peers.filter(
    ({ bootId }) => bootId !== core.self.bootId && !core.peers.has(bootId) && !core.disconnected.has(bootId),
  );
  foundHints(
    core,
    TOLD,
    strangers.map(({ name }) => name),
  );
  if (list.want) tellPeers(core, peer, link, false);
}

export function startDigests(core: Core): void {
  core.timers.set('digest', '', core.nowMs + core.jitter(DIGEST_MS));
}

/** Compares views with one random peer. */
export function digestDue(core: Core): void {
  if (core.peers.size > 0) startDigests(core);
  const connected = [...core.peers.values()].filter((peer) => peer.link !== undefined);
  const peer = connected[Math.floor(core.config.random() * connected.length)];
  if (peer) sendDigest(core, peer);
}

/** A peer's view: when it differs from ours, each sends the other its list. */
export function takeDigest(core: Core, peer: PeerRecord, link: LinkRecord, digest: Digest): void {
  if (digest.hash === core.viewHash) return;
  tellPeers(core, peer, link, true);
}

function sendDigest(core: Core, { link }: PeerRecord): void {
  if (link !== undefined) core.send(link, { kind: 'digest', body: { hash: core.viewHash } });
}

/** Several frames, when there are many: each fits the smallest limit that a node may have. */
function tellPeers(core: Core, receiver: PeerRecord, link: LinkRecord, want: boolean): void {
  let peers: PeerList['peers'][number][] = [];
  let bytes = LISTED_BYTES;
  for (const peer of known(core, receiver)) {
    // A character takes three bytes at most.
    const more = 3 * peer.name.length + LISTED_BYTES;
    if (bytes + more > MIN_FRAME_BYTES) {
      core.send(link.id, { kind: 'peers', body: { peers } });
      peers = [];
      bytes = LISTED_BYTES;
    }
    peers.push(peer);
    bytes += more;
  }
  core.send(link.id, { kind: 'peers', body: want ? { peers, want } : { peers } });
}

function known(core: Core, receiver: PeerRecord): PeerList['peers'] {
  const list: { name: string; bootId: string }[] = [];
  for (const peer of core.peers.values()) {
    if (peer === receiver || peer.link === undefined) continue;
    list.push({ name: peer.node.name, bootId: peer.node.bootId });
  }
  return list;
}
