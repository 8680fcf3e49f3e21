import { addressOf } from '../naming/node-name.js';
import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { AddressRecord } from './address-book.js';
import type { Core, PeerRecord } from './core.js';
import { hasQueue } from './dialling.js';

/** Who called us is called back after this, and a little later for each peer: a cluster that starts is busy. */
const CALL_BACK_MS = 250;
const PER_PEER_MS = 50;

/** An address that was out of reach may be open by now. */
const AGAIN_MS = 60_000;

/** Failed dials that leave it open whether a peer lives. */
const OPEN_QUESTIONS: ReadonlySet<PeerageErrorCode> = new Set([
  'DIAL_TIMEOUT',
  'UNREACHABLE',
  'HOST_NOT_FOUND',
  'CONNECTION_LOST',
  'HANDSHAKE_TIMEOUT',
  'TOO_MANY_HANDSHAKES',
  'ABORTED',
]);

/** What a node says of itself when it refuses us. */
const OWN_WORDS: ReadonlySet<PeerageErrorCode> = new Set(['LEAVING', 'DISCONNECTED']);

/**
 * Whether a failed dial tells that `peer` is gone from there. A port that refuses tells so only when it took our
 * connections before, and a stranger who answers only when the peer itself did before: one side may well be able
 * to dial the other and not the other way round.
 */
export function isEvidence(
  record: AddressRecord | undefined,
  code: PeerageErrorCode,
  peer: PeerRecord,
): boolean {
  if (OPEN_QUESTIONS.has(code)) return false;
  if (OWN_WORDS.has(code)) return true;
  // The same process may have been lost and found again since it welcomed us there.
  const hasWelcomedUs = record?.welcomedBy === peer.node.bootId;
  return hasWelcomedUs || (code === 'CONNECTION_REFUSED' && record?.isOpen === true);
}

/** A peer called us: whether we could call it back is found out before that matters. */
export function callBackLater(core: Core, peer: PeerRecord): void {
  const afterMs = CALL_BACK_MS + PER_PEER_MS * core.peers.size * core.config.random();
  core.timers.set('reach', peer.node.bootId, core.nowMs + afterMs);
}

export function callBack(core: Core, peer: PeerRecord): void {
  const record = core.book.get(addressOf(peer.node.name));
  if (record === undefined || record.isOpen || peer.link === undefined) return;
  if (hasQueue(core)) return callBackLater(core, peer);
  const { address, host, port } = record;
  core.out.push({ type: 'reach', address, host, port });
  core.timers.set('reach', peer.node.bootId, core.nowMs + AGAIN_MS);
}

/** A connection to this address was taken. */
export function reached(core: Core, address: string): void {
  const record = core.book.get(address);
  if (record) record.isOpen = true;
}
