import type { NodeInfo } from '../naming/node-info.js';
import { addressOf, isAddress } from '../naming/node-name.js';
import type { Meta } from '../wire/frames.js';
import type { AddressRecord } from './address-book.js';
import type { Core, IntroducedLink, PeerRecord } from './core.js';
import type { SelfChange } from './membership.types.js';
import { retryIn } from './dialling.js';
import { callBackLater } from './reach.js';

/** The address that a peer gave up is dialled no sooner than this, if somebody lists it. */
const MOVED_MS = 2_000;

/** This node has other meta, or is reached at another address. Every peer is told. */
export function changeSelf(core: Core, change: SelfChange): void {
  const isRenamed = change.name !== undefined && change.name !== core.self.name;
  const before = core.book.ofName(core.self.name);
  core.self = { ...core.self, ...change };
  if (isRenamed) {
    // Somebody else may answer at the old address by now.
    if (before?.boundTo === 'self') delete before.boundTo;
    const record = core.book.ofName(core.self.name);
    if (record && record.boundTo === undefined) core.book.bind(record, 'self');
  }
  // What peers said of the address was said of the old one.
  if (isRenamed) for (const peer of core.peers.values()) delete peer.unreached;
  core.selfVersion += 1;
  const { name, host, port, meta } = core.self;
  for (const { link } of core.peers.values())
    if (link !== undefined)
      core.send(link, { kind: 'meta', body: { meta, ...(isRenamed && { node: { name, host, port } }) } });
}

/** The peer told of a change. */
export function takeMeta(core: Core, peer: PeerRecord, { meta, node }: Meta): void {
  takeIdentity(core, peer, { ...peer.node, ...node, meta });
}

/**
 * The same process may say another name than before: its address changed. A name that another peer has by now is
 * not believed; who really answers there is found out by dialling.
 */
export function takeIdentity(core: Core, peer: PeerRecord, said: NodeInfo): void {
  const { bootId } = peer.node;
  const address = addressOf(said.name);
  const isMoved = said.name !== peer.node.name;
  const incumbent = core.byAddress.get(address);
  const isTaken = isMoved && incumbent !== undefined && incumbent !== bootId;
  const { name, host, port } = isTaken ? peer.node : said;
  if (isMoved && !isTaken) {
    core.byAddress.delete(addressOf(peer.node.name));
    core.byAddress.set(address, bootId);
  }
  const previous = core.snapshot(peer);
  const before = core.book.ofName(peer.node.name);
  peer.node = { ...said, name, host, port };
  if (isMoved && !isTaken) {
    core.book.bind(core.book.open(name), bootId);
    if (before) movedFrom(core, peer, before);
    if (peer.probeAt.host === previous.host && isAddress(host)) peer.probeAt = { host, port };
    delete peer.outOfReach;
    callBackLater(core, peer);
  }
  core.out.push({ type: 'emit', event: { type: 'peer.updated', peer: core.snapshot(peer), previous } });
}

/** Where a peer no longer is, as it says, somebody else may answer by now; unless that is where we dialled it. */
function movedFrom(core: Core, { node, dialAddress }: PeerRecord, before: AddressRecord): void {
  const { address, boundTo } = before;
  if (address === addressOf(node.name) || address === dialAddress || boundTo !== node.bootId) return;
  core.book.release(before);
  retryIn(core, before, MOVED_MS);
}

/** Whether nothing that a process may change has changed. */
export function isSame(before: NodeInfo, now: NodeInfo): boolean {
  return before.name === now.name && JSON.stringify(before.meta) === JSON.stringify(now.meta);
}

/** We have changed while this connection shook hands: the other side hears of it now. */
export function catchUp(core: Core, link: IntroducedLink): void {
  if (link.toldSelf === undefined || link.toldSelf === core.selfVersion) return;
  const { name, host, port, meta } = core.self;
  core.send(link.id, { kind: 'meta', body: { meta, node: { name, host, port } } });
}
