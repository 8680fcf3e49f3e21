import { addressOf, isAddress, parseHostPort } from '../naming/node-name.js';
import { DEFAULT_BACKOFF, OWN_SOURCES, type AddressRecord } from './address-book.js';
import { type Core, type IntroducedLink, type LinkRecord, type PeerRecord, remoteOf } from './core.js';
import { dialNow, hint, retryIn } from './dialling.js';
import type { DownEvidence, DownReason } from './events.js';
import { catchUp, giveWay, isSame, takeIdentity, takeSaidNames } from './identity.js';
import { pushPeers, startDigests, TOLD } from './anti-entropy.js';
import { tellLeaving } from './leaving.js';
import { sendBeat, startBeats, stopBeats } from './beats.js';
import { callBackLater } from './reach.js';
import { ringChanged } from './ring.js';
import { judge } from './rule.js';
import { cleared, startTrial, stopSuspicion, suspectLost } from './suspicion.js';

/**
 * How long a lost peer's address stays worth dialling when no provider lists it. A process that is gone (its
 * port refuses) may be restarted in place; a silent one may be behind a cut that heals much later.
 */
const REMEMBER_MS: Readonly<Record<DownReason, number>> = {
  closed: 60_000,
  timeout: 10 * 60_000,
  left: 0,
  replaced: 0,
  disconnected: 0,
};

/**
 * Backoff towards a lost peer. Short at first: a dying process may still take a dial before its port refuses.
 * Capped low: a healed cut should be whole again within 3 s.
 */
const LOST_BACKOFF = { firstMs: 10, capMs: 500 };

/** Boot ids whose false alarms are counted; the oldest are forgotten. */
const COUNTED_ALARMS = 1_024;

/** How long the address of a former peer is left alone. Who left, or sent us away, is not expected back soon. */
const RETRY_MS: Readonly<Record<DownReason, number>> = {
  closed: 0,
  timeout: 0,
  left: 2_000,
  replaced: 2_000,
  disconnected: 30_000,
};

/** Makes `link` the connection of the peer at its other end, new or known. */
export function adopt(core: Core, link: IntroducedLink): void {
  const { node } = link.remote;
  link.stage = 'up';
  core.endHandshake(link);
  core.out.push({ type: 'established', link: link.id });
  if (link.direction === 'outbound') core.attemptEnded(link, { result: 'connected', bootId: node.bootId });
  const known = core.peers.get(node.bootId);
  if (known) reconnected(core, known, link);
  else addPeer(core, link);
}

/**
 * The connection of `peer` is gone without a goodbye: dial it again at once, and tell nobody yet. Whose `fault` that
 * was can wait a little.
 */
export function lostConnection(core: Core, peer: PeerRecord, code: string, isFault: boolean): void {
  delete peer.link;
  peer.closedBy = code;
  core.out.push({ type: 'route', bootId: peer.node.bootId, link: undefined });
  stopBeats(core, peer);
  suspectLost(core, peer);
  const { book } = core;
  const record = book.get(peer.dialAddress) ?? book.open(peer.node.name);
  book.hold(record);
  for (const bound of book.unbind(peer.node.bootId)) book.prune(bound);
  record.failures = 0;
  if (isFault) return retryIn(core, record, core.backoffMs(record));
  record.backoff = LOST_BACKOFF;
  dialNow(core, record);
}

/** The peer at this address whose connection broke, or is silent: a dial that fails tells of it. */
export function lostPeerAt(core: Core, address: string): PeerRecord | undefined {
  for (const peer of core.peers.values()) {
    if (peer.link !== undefined && !peer.suspicion) continue;
    if (peer.dialAddress === address || addressOf(peer.node.name) === address) return peer;
  }
  return undefined;
}

/** Ends a peer and says so. */
export function down(
  core: Core,
  peer: PeerRecord,
  reason: DownReason,
  extra?: Pick<DownEvidence, 'redial'>,
): void {
  const { bootId, name } = peer.node;
  const address = addressOf(name);
  core.dismiss(peer);
  ringChanged(core);
  stopBeats(core, peer);
  core.timers.delete('reach', bootId);
  core.out.push({ type: 'route', bootId, link: undefined });
  const link = peer.link === undefined ? undefined : core.links.get(peer.link);
  if (link) core.close(link, reason === 'disconnected' || reason === 'left');
  const how = { reason, evidence: evidence(core, peer, extra) };
  stopSuspicion(core, peer);
  core.out.push({ type: 'emit', event: { type: 'peer.down', peer: core.snapshot(peer), ...how } });
  letGo(core, peer);
  const record = core.book.get(address);
  remember(core, peer, reason);
  unbind(core, peer, reason);
  if (record) {
    record.down = { ...how, bootId, atMs: core.nowMs };
    // That this process took connections there says nothing of the next one.
    record.isOpen = false;
  }
  takeSaidNames(core);
}

/** The link by which `peer` is reached, if it has one now. */
export function linkOf(core: Core, peer: PeerRecord): IntroducedLink | undefined {
  const link = peer.link === undefined ? undefined : core.links.get(peer.link);
  return link && 'remote' in link ? link : undefined;
}

/** The peer whose connection `link` is. */
export function peerOf(core: Core, link: LinkRecord): PeerRecord | undefined {
  const peer = core.peers.get(remoteOf(link)?.bootId ?? '');
  return peer?.link === link.id ? peer : undefined;
}

/** The answerer at this address is known: nobody needs to dial it. */
export function bind(core: Core, record: AddressRecord, bootId: string): void {
  core.book.bind(record, bootId);
  record.blocked = false;
  record.failures = 0;
  record.retryAtMs = Number.NEGATIVE_INFINITY;
  record.backoff = DEFAULT_BACKOFF;
}

/** Whom we have no connection with yet becomes a peer. */
function addPeer(core: Core, link: IntroducedLink): void {
  const { node, probeKey, answersProbes } = link.remote;
  const address = addressOf(node.name);
  giveWay(core, node);
  const incumbent = core.peers.get(core.byAddress.get(address) ?? '');
  if (incumbent) down(core, incumbent, 'replaced');
  const returnedAfterMs = returnOf(core, address, node.bootId);
  const peer: PeerRecord = {
    node,
    link: link.id,
    dialAddress: link.direction === 'outbound' ? link.address : address,
    status: 'up',
    isLeaving: false,
    knowsOurLeaving: false,
    upAtMs: core.nowMs,
    heard: core.clock.now,
    probeKey,
    probeAt: probeAddress(link),
    answersProbes,
    toldAnswers: link.toldAnswers,
    probes: 'untried',
    probedBy: false,
    trialsLeft: 0,
    metBlank: link.toldBlank === true && link.remote.blank === true && returnedAfterMs === undefined,
  };
  countFalseAlarm(core, address, node.bootId);
  core.admit(peer);
  for (const [bootId, at] of core.disconnected) if (at === address) core.disconnected.delete(bootId);
  bindAddresses(core, peer, link);
  core.route(link);
  const event = { type: 'peer.up', peer: core.snapshot(peer) } as const;
  core.out.push({
    type: 'emit',
    event: returnedAfterMs === undefined ? event : { ...event, returnedAfterMs },
  });
  ringChanged(core);
  begin(core, peer, link);
  startTrial(core, peer);
  if (core.peers.size === 1) startDigests(core);
}

function reconnected(core: Core, peer: PeerRecord, link: IntroducedLink): void {
  const old = linkOf(core, peer);
  letGo(core, peer);
  peer.link = link.id;
  peer.heard = core.clock.now;
  peer.probeAt = probeAddress(link);
  peer.answersProbes = link.remote.answersProbes;
  peer.toldAnswers = link.toldAnswers;
  delete peer.closedBy;
  if (old) core.close(old, true);
  bindAddresses(core, peer, link);
  core.route(link);
  if (peer.said || !isSame(peer.node, link.remote.node)) takeIdentity(core, peer, link.remote.node);
  cleared(core, peer);
  begin(core, peer, link);
}

/** A connection begins: the dialer's first beat ends the handshake, then each tells whom else it knows. */
function begin(core: Core, peer: PeerRecord, link: IntroducedLink): void {
  if (link.direction === 'outbound' || peer.toldAnswers !== core.answersProbes) sendBeat(core, peer);
  // Whom we dialled by another address than its own is told to others by that one.
  if (link.direction === 'inbound' || link.address !== addressOf(peer.node.name)) callBackLater(core, peer);
  startBeats(core, peer);
  if (core.isDraining) tellLeaving(core, peer);
  catchUp(core, link);
  pushPeers(core, peer, link);
}

/** How long ago this very process ceased to be our peer. */
function returnOf(core: Core, address: string, bootId: string): number | undefined {
  const last = core.book.get(address)?.down;
  return last?.bootId === bootId ? Math.round(core.nowMs - last.atMs) : undefined;
}

/** A process that we held for dead is back: it was not. */
function countFalseAlarm(core: Core, address: string, bootId: string): void {
  const last = core.book.get(address)?.down;
  if (last?.bootId !== bootId || (last.reason !== 'timeout' && last.reason !== 'closed')) return;
  const count = (core.falseAlarmsOf.get(bootId) ?? 0) + 1;
  core.falseAlarmsOf.set(bootId, count);
  core.out.push({ type: 'falseAlarm', bootId, count });
  const [oldest] = core.falseAlarmsOf.keys();
  if (core.falseAlarmsOf.size > COUNTED_ALARMS) core.falseAlarmsOf.delete(oldest!);
}

function bindAddresses(core: Core, peer: PeerRecord, link: LinkRecord): void {
  bind(core, core.book.open(peer.node.name), peer.node.bootId);
  const dialled = link.direction === 'outbound' ? core.book.get(link.address) : undefined;
  if (!dialled) return;
  const before = core.book.get(peer.dialAddress);
  peer.dialAddress = dialled.address;
  bind(core, dialled, peer.node.bootId);
  if (before) core.book.prune(before);
}

/**
 * Where whom we dialled was reached; else where it says that it is, or, when that is a name, from where it came.
 * Names are never looked up for a probe: that would fill the few threads which resolve for the whole app.
 */
function probeAddress({ direction, remote, remoteAddress }: IntroducedLink): PeerRecord['probeAt'] {
  const { host, port } = remote.node;
  const reached = parseHostPort(remoteAddress);
  if (direction === 'outbound') return reached;
  return { host: isAddress(host) ? host : reached.host, port };
}

/** Its connection is not lost any more: we have no reason of our own to dial it. */
function letGo({ book }: Core, { node, dialAddress }: PeerRecord): void {
  for (const record of [book.get(dialAddress), book.ofName(node.name)]) if (record) book.letGo(record);
}

/** Its addresses are left alone for a while, and forgotten when nobody names them. */
function unbind(core: Core, { node, dialAddress }: PeerRecord, reason: DownReason): void {
  for (const record of core.book.unbind(node.bootId)) retryIn(core, record, RETRY_MS[reason]);
  for (const record of [core.book.get(dialAddress), core.book.ofName(node.name)])
    if (record) core.book.prune(record);
}

/** The address in the name of who never welcomed us there is hearsay: the peer itself told it, as others tell of others. */
function remember(core: Core, peer: PeerRecord, reason: DownReason): void {
  const forMs = REMEMBER_MS[reason];
  if (forMs === 0 || core.isStopping) return;
  const { name } = peer.node;
  const isProven = core.book.ofName(name)?.isProven === true;
  const record = hint(core, isProven ? OWN_SOURCES.itself : TOLD, name, core.nowMs + forMs);
  record.backoff = reason === 'timeout' ? LOST_BACKOFF : DEFAULT_BACKOFF;
}

/** What dialling it again gave since its connection broke, though that did not decide. */
function lastRedial(core: Core, { dialAddress, suspicion }: PeerRecord): Pick<DownEvidence, 'redial'> {
  const last = core.book.get(dialAddress)?.last;
  if (last?.result !== 'failed' || !suspicion?.lost || last.atMs < suspicion.lost.ms) return {};
  return { redial: { code: last.code, message: last.message } };
}

function evidence(core: Core, peer: PeerRecord, extra = lastRedial(core, peer)): DownEvidence {
  const { late } = core.clock;
  const { suspicion, heard, closedBy } = peer;
  const { countedMs, deadlineMs, multiplier, because } = judge(core, peer);
  return {
    ...(closedBy !== undefined && { closed: closedBy }),
    ...extra,
    silentMs: Math.round(core.nowMs - heard.ms),
    countedMs: Math.round(countedMs),
    deadlineMs,
    multiplier,
    ...(because !== undefined && { because }),
    ...(suspicion?.unheardSinceMs !== undefined && {
      unheardMs: Math.round(core.nowMs - suspicion.unheardSinceMs),
    }),
    probes: { sent: suspicion?.sent ?? 0, answered: suspicion?.answered ?? 0 },
    asked: [...(suspicion?.asked.values() ?? [])],
    // What we were late by before we last heard the peer has no part in this.
    ownLagMs: late.at.ms > heard.ms ? Math.round(late.lateMs) : 0,
    ...(peer.isLeaving && { wasLeaving: true }),
  };
}
