import type { NodeInfo } from '../naming/node-info.js';
import { addressOf, isAddress } from '../naming/node-name.js';
import type { Meta } from '../wire/frames.js';
import type { AddressRecord } from './address-book.js';
import type { Core, IntroducedLink, PeerRecord } from './core.js';
import type { Peer } from './events.js';
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
 * The same process may say another name than before: its address changed. A name that another peer still goes by is not
 * believed yet: it is taken as soon as that one says another name, too, or is down. So two that exchange their
 * addresses have each other's name at once when the second one says so.
 */
export function takeIdentity(core: Core, peer: PeerRecord, said: NodeInfo): void {
  const previous = core.snapshot(peer);
  const { name, host, port } = peer.node;
  const isMoved = said.name !== name;
  peer.node = { ...said, name, host, port };
  delete peer.said;
  if (isMoved) {
    peer.said = { name: said.name, host: said.host, port: said.port };
    takeSaidName(core, peer, previous);
  }
  if (peer.node.name === name && !isSame(previous, peer.node)) tellUpdate(core, peer, previous);
  takeSaidNames(core);
}

/** Whether the process may go by this name: nobody does, or whoever does says another one by now that it can have. */
export function mayHaveName(core: Core, bootId: string, name: string): boolean {
  return inTheWay(core, bootId, name) !== undefined;
}

/** Who goes by the name of `node`, and says another one by now, takes that. */
export function giveWay(core: Core, { bootId, name }: NodeInfo): void {
  for (const peer of inTheWay(core, bootId, name)?.toReversed() ?? []) move(core, peer, core.snapshot(peer));
}

/** A name may have become free that a peer says. */
export function takeSaidNames(core: Core): void {
  for (const peer of core.peers.values()) if (peer.said) takeSaidName(core, peer, core.snapshot(peer));
}

function takeSaidName(core: Core, peer: PeerRecord, previous: Peer): void {
  const { bootId, name } = peer.node;
  const said = { ...peer.node, ...peer.said };
  if (!mayHaveName(core, bootId, said.name)) return;
  // It has given up its own name, which somebody may be waiting for.
  core.byAddress.delete(addressOf(name));
  giveWay(core, said);
  move(core, peer, previous);
}

/**
 * Those who have to take the name that they say before `bootId` can have this one, the first one first: each goes by
 * the name that the one before it says. Undefined when the last of them stays where it is.
 */
function inTheWay(core: Core, bootId: string, name: string): PeerRecord[] | undefined {
  const others: PeerRecord[] = [];
  for (let wanted = name; ;) {
    const holder = core.byAddress.get(addressOf(wanted));
    if (holder === undefined || holder === bootId) return others;
    const other = core.peers.get(holder);
    if (!other?.said || others.includes(other)) return undefined;
    others.push(other);
    wanted = other.said.name;
  }
}

/** The peer goes by the name that it says, which is free. */
function move(core: Core, peer: PeerRecord, previous: Peer): void {
  const { node, probeAt } = peer;
  const said = peer.said!;
  const oldAddress = addressOf(node.name);
  const before = core.book.ofName(node.name);
  if (core.byAddress.get(oldAddress) === node.bootId) core.byAddress.delete(oldAddress);
  core.byAddress.set(addressOf(said.name), node.bootId);
  peer.node = { ...node, ...said };
  delete peer.said;
  core.book.bind(core.book.open(said.name), node.bootId);
  if (before) movedFrom(core, peer, before);
  if (probeAt.host === previous.host && isAddress(said.host))
    peer.probeAt = { host: said.host, port: said.port };
  delete peer.outOfReach;
  callBackLater(core, peer);
  tellUpdate(core, peer, previous);
}

function tellUpdate(core: Core, peer: PeerRecord, previous: Peer): void {
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
