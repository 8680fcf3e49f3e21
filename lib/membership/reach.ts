import { addressOf, formatHostPort } from '../naming/node-name.js';
import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { AddressRecord } from './address-book.js';
import type { Core, PeerRecord } from './core.js';
import { hasQueue } from './dialling.js';

/** Who called us is called back after this, and a little later for each peer: a cluster that starts is busy. */
const CALL_BACK_MS = 250;
const PER_PEER_MS = 50;

/** An address that was out of reach may be open by now. */
const AGAIN_MS = 60_000;

/** So many tries, the first ones in short order, before an address counts as out of reach. */
const TRIES = 2;
const TRY_AGAIN_MS = 2_000;

/** What a node says of itself when it refuses us. */
const OWN_WORDS: ReadonlySet<PeerageErrorCode> = new Set(['LEAVING', 'DISCONNECTED']);

/**
 * Whether a failed dial tells that `peer` is gone from there: its own word, or a port that refuses and took our
 * connections before, since one side may well be able to dial the other and not the other way round. Any other failure
 * may be the path's: who damages a handshake, or answers in a stranger's place, proves nothing of the process behind.
 */
export function isEvidence(
  record: AddressRecord | undefined,
  code: PeerageErrorCode,
  peer: PeerRecord,
): boolean {
  if (OWN_WORDS.has(code)) return true;
  // The same process may have been lost and found again since it welcomed us there.
  const tookUs = record?.isOpen === true || record?.welcomedBy === peer.node.bootId;
  return code === 'CONNECTION_REFUSED' && tookUs;
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
  const peer = core.peers.get(core.byAddress.get(address) ?? '');
  if (peer) delete peer.outOfReach;
}

/** A connection to this address was not taken. Once proves little; then its node hears of it. */
export function unreached(core: Core, address: string, code: PeerageErrorCode): void {
  const peer = core.peers.get(core.byAddress.get(address) ?? '');
  if (!peer) return;
  const times = (peer.outOfReach?.times ?? 0) + 1;
  peer.outOfReach = { times, code };
  if (times < TRIES) core.timers.set('reach', peer.node.bootId, core.nowMs + TRY_AGAIN_MS);
}

/** Why we cannot connect to the address in a peer's name: our beats tell it so. */
export function cannotReach({ outOfReach }: PeerRecord): string | undefined {
  return outOfReach && outOfReach.times >= TRIES ? outOfReach.code : undefined;
}

/** A peer says why it cannot connect to the address in our name, or that it can. */
export function takeUnreached(core: Core, peer: PeerRecord, code: string | undefined): void {
  if (code === undefined) return void delete peer.unreached;
  const isNews = peer.unreached === undefined;
  peer.unreached = code;
  if (isNews && peer.link !== undefined && unreachedBy(core).length === core.peers.size)
    core.out.push({ type: 'outOfReach', link: peer.link });
}

export function reachNotes(core: Core): string[] {
  const peers = unreachedBy(core);
  const [first] = peers;
  if (!first) return [];
  const { host, port } = core.self;
  return [
    `${peers.length} of ${core.peers.size} peers cannot connect to this node at ${formatHostPort(host, port)}, ` +
      `the address that it tells (${first.unreached} at ${first.node.name}). They are peers because this node ` +
      'dialled them, or was found at another address; two such nodes stay apart. Give `host` (PEERAGE_HOST) the ' +
      `address at which they can reach it, and open TCP port ${port} there.`,
  ];
}

function unreachedBy(core: Core): PeerRecord[] {
  return [...core.peers.values()].filter((peer) => peer.unreached !== undefined);
}
