import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';
import { addressOf } from '../naming/node-name.js';
import { type Core, type IntroducedLink, type LinkRecord, type PeerRecord, remoteOf } from './core.js';
import { answered, dialFailed, retryIn } from './dialling.js';
import { sendBeat } from './beats.js';
import { mayHaveName } from './identity.js';
import { commonVersion, type Hello, type Refuse, versionMismatch, type Welcome } from '../wire/frames.js';
import type { LinkId } from './membership.types.js';
import { adopt, bind, down, linkOf, lostPeerAt, peerOf } from './peers.js';
import { isEvidence } from './reach.js';
import { probe } from './suspicion.js';

/**
 * How long a peer has to prove that it lives when someone else comes with its address. A restarted process
 * on the same host is known at once, because its kernel resets the old connection.
 */
const CONFLICT_MS = 1_000;

/** It is probed this often meanwhile: its loop may be blocked. */
const CONFLICT_PROBE_MS = 100;

interface Verdict {
  readonly code: PeerageErrorCode;
  readonly message: string;
}

/** Refusals that are ordinary between nodes that know each other: no event, no log line. */
const SILENT: ReadonlySet<PeerageErrorCode> = new Set(['SELF', 'DISCONNECTED', 'LEAVING']);

/** Somebody dialled us and introduced itself. */
export function takeHello(core: Core, id: LinkId, address: string, hello: Hello): void {
  const version = commonVersion(hello.versions);
  const link: IntroducedLink = {
    id,
    direction: 'inbound',
    stage: 'welcomed',
    address,
    remoteAddress: address,
    connection: hello.connection,
    remote: hello,
    version: version ?? 0,
  };
  core.begin(link);
  const verdict = version === undefined ? mismatch(hello.versions) : judge(core, link, hello.cluster);
  if (verdict) return refuse(core, link, verdict);
  lives(core, hello.node);
  unlessNameConflict(core, link, welcome);
}

/** The node that we dialled takes us. */
export function takeWelcome(core: Core, greeting: LinkRecord, body: Welcome): void {
  if (greeting.stage !== 'greeting') return;
  answered(core, greeting);
  const { version, node } = body;
  const link: IntroducedLink = { ...greeting, stage: 'welcomed', remote: body, version };
  core.advance(link);
  const chosen = { min: version, max: version };
  const isOurs = commonVersion(chosen) !== undefined;
  const verdict = isOurs ? judge(core, link, body.cluster) : mismatch(chosen);
  if (verdict) return giveUp(core, link, verdict.code, verdict.message);
  lives(core, node);
  const record = core.book.get(link.address);
  if (record) {
    record.welcomedBy = node.bootId;
    record.isProven = true;
  }
  if (isDuplicate(core, link, body)) return closeDuplicate(core, link);
  unlessNameConflict(core, link, adopt);
}

/** The node that we dialled does not take us. */
export function takeRefuse(core: Core, link: LinkRecord, { code, message }: Refuse): void {
  if (link.stage !== 'greeting') return;
  answered(core, link);
  giveUp(core, link, code, message);
}

/** The first frame after our welcome: the dialer holds to this connection, and has no other with us. */
function confirm(core: Core, link: IntroducedLink): void {
  // Our app, or another connection of that boot id, may have come in between.
  const verdict = judge(core, link, core.config.cluster);
  if (verdict) {
    core.close(link, true);
    return told(core, link, verdict);
  }
  const peer = core.peers.get(link.remote.node.bootId);
  const current = peer && linkOf(core, peer);
  // We told the dialer of the current connection and it came all the same: that one is dead at its end.
  const isReplacement = current?.connection === link.listed;
  if (!current || isReplacement || !isDialledByLower(core, current)) adopt(core, link);
  else core.close(link, true);
}

/** The incumbent of a name conflict lived at `atMs`: it has answered what we asked, or a probe. */
export function proveIncumbent(core: Core, bootId: string, atMs: number | undefined): void {
  for (const { incumbent, link, askedAt } of core.conflicts.values())
    if (incumbent.node.bootId === bootId && atMs !== undefined && atMs >= askedAt)
      incumbentStays(core, link, incumbent);
}

/** The incumbent is probed again; when it has not proved itself in time the newcomer takes its place. */
export function conflictDue(core: Core, id: LinkId): void {
  const conflict = core.conflicts.get(id);
  if (!conflict) return;
  const { askedAt, incumbent, link } = conflict;
  if (core.nowMs >= askedAt + CONFLICT_MS) return newcomerWins(core, link);
  probe(core, incumbent);
  core.timers.set('conflict', id, core.nowMs + CONFLICT_PROBE_MS);
}

/** The connection of `incumbent` ended: whoever has its address need not wait. */
export function endConflictsWith(core: Core, incumbent: string): void {
  for (const conflict of core.conflicts.values())
    if (conflict.incumbent.node.bootId === incumbent) newcomerWins(core, conflict.link);
}

/** A handshake took too long. */
export function handshakeTimedOut(core: Core, link: LinkRecord): void {
  const message = `no end of the handshake within ${core.config.limits.handshakeMs} ms`;
  if (link.direction === 'outbound') giveUp(core, link, 'HANDSHAKE_TIMEOUT', message);
  else core.close(link, false);
}

/** A dial failed; its link is forgotten already. It may settle what became of a peer whose connection broke. */
export function dialEnded(core: Core, link: LinkRecord, code: PeerageErrorCode, message: string): void {
  const peer = lostPeerAt(core, link.address);
  const isGone = peer !== undefined && isEvidence(core.book.get(link.address), code, peer);
  if (code === 'SELF') foundSelf(core, link);
  else dialFailed(core, link, code, message);
  if (!isGone) return;
  const reason = code === 'LEAVING' ? 'left' : code === 'DISCONNECTED' ? 'disconnected' : 'closed';
  down(core, peer, reason, { redial: { code, message } });
}

/** Whoever shakes hands with us lives, however long the rest of it takes. */
function lives(core: Core, { bootId }: NodeInfo): void {
  const peer = core.peers.get(bootId);
  if (peer) peer.proven = core.clock.now;
}

function giveUp(core: Core, link: LinkRecord, code: PeerageErrorCode, message: string): void {
  core.close(link, true);
  dialEnded(core, link, code, message);
}

function foundSelf(core: Core, link: LinkRecord): void {
  core.attemptEnded(link, { result: 'self' });
  const record = core.book.get(link.address);
  if (record) bind(core, record, 'self');
}

function mismatch(versions: Hello['versions']): Verdict {
  return { code: 'VERSION_MISMATCH', message: versionMismatch(versions) };
}

function judge(core: Core, link: IntroducedLink, cluster: string): Verdict | undefined {
  const { bootId, name } = link.remote.node;
  if (cluster !== core.config.cluster) {
    const message = `${name} belongs to cluster "${cluster}", ${core.self.name} to "${core.config.cluster}"; set the same \`cluster\` if they are one`;
    return { code: 'WRONG_CLUSTER', message };
  }
  if (bootId === core.self.bootId) return { code: 'SELF', message: 'this is the node itself' };
  if (addressOf(name) === addressOf(core.self.name))
    return { code: 'NAME_TAKEN', message: nameTaken(core.self) };
  if (core.isStopping) return { code: 'LEAVING', message: `${core.self.name} is shutting down` };
  if (core.disconnected.has(bootId)) {
    return { code: 'DISCONNECTED', message: `${name} was disconnected by the app on ${core.self.name}` };
  }
  const known = core.peers.get(bootId);
  if (known && !isSameProcess(known.probeKey, link.remote.probeKey)) {
    const message = `${name} says that it is the process ${bootId}, which ${known.node.name} is already: each process makes a boot id of its own`;
    return { code: 'NAME_TAKEN', message };
  }
  if (!known && takenPlaces(core, bootId) >= core.config.limits.peers) {
    const message = `${core.self.name} takes ${core.config.limits.peers} peers, and has them or is about to; raise limits.peers there`;
    return { code: 'TOO_MANY_PEERS', message };
  }
  return undefined;
}

/** Whoever has a boot id has told its probe key with it, and never another one. */
function isSameProcess(before: Uint8Array, now: Uint8Array): boolean {
  return before.length === now.length && before.every((byte, i) => byte === now[i]);
}

/** How many peers there are, with those whose handshakes, which we have accepted, are not over yet. */
function takenPlaces({ peers, handshakes, links }: Core, besides: string): number {
  const coming = new Set<string>();
  for (const id of handshakes) {
    const bootId = remoteOf(links.get(id)!)?.bootId;
    if (bootId !== undefined && bootId !== besides && !peers.has(bootId)) coming.add(bootId);
  }
  return peers.size + coming.size;
}

function refuse(core: Core, link: LinkRecord, verdict: Verdict): void {
  core.send(link.id, { kind: 'refuse', body: verdict });
  core.close(link, true);
  told(core, link, verdict);
}

function told(core: Core, link: LinkRecord, { code, message }: Verdict): void {
  if (!SILENT.has(code)) core.emitRefused(link, code, message);
}

function welcome(core: Core, link: IntroducedLink): void {
  const peer = core.peers.get(link.remote.node.bootId);
  const current = peer && linkOf(core, peer)?.connection;
  link.stage = 'welcomed';
  link.toldSelf = core.selfVersion;
  link.toldBlank = core.isBlank;
  link.toldAnswers = core.answersProbes;
  if (current !== undefined) link.listed = current;
  core.timers.set('handshake', link.id, core.nowMs + core.config.limits.handshakeMs);
  core.send(link.id, {
    kind: 'welcome',
    body: { ...core.introduction(), version: link.version, ...(current !== undefined && { current }) },
  });
}

/**
 * Whether our dial is one connection too many: we have one, or the other side holds one that we know of, or
 * it dials us at this moment and its boot id is the lower one.
 */
function isDuplicate(core: Core, link: IntroducedLink, { node, current }: Welcome): boolean {
  const peer = core.peers.get(node.bootId);
  if (peer?.link !== undefined && !peer.suspicion) return true;
  for (const id of core.handshakes) {
    const other = core.links.get(id);
    if (other?.stage !== 'welcomed' || other === link || other.remote.node.bootId !== node.bootId) continue;
    if (other.connection === current || node.bootId < core.self.bootId) return true;
  }
  return false;
}

function closeDuplicate(core: Core, link: IntroducedLink): void {
  const { bootId } = link.remote.node;
  core.attemptEnded(link, { result: 'connected', bootId });
  core.close(link, true);
  const record = core.book.get(link.address);
  if (!record) return;
  if (core.peers.get(bootId)?.link !== undefined) bind(core, record, bootId);
  else retryIn(core, record, core.config.limits.handshakeMs);
}

function isDialledByLower(core: Core, link: IntroducedLink): boolean {
  const weAreLower = core.self.bootId < link.remote.node.bootId;
  return weAreLower === (link.direction === 'outbound');
}

/** Goes on with `next`, unless a peer that seems alive has the newcomer's address: then asks that one first. */
function unlessNameConflict(
  core: Core,
  link: IntroducedLink,
  next: (core: Core, link: IntroducedLink) => void,
): void {
  const { name, bootId } = link.remote.node;
  const incumbentId = core.byAddress.get(addressOf(name));
  const incumbent = incumbentId === bootId ? undefined : core.peers.get(incumbentId ?? '');
  if (incumbent?.link === undefined || mayHaveName(core, bootId, name)) return next(core, link);
  link.stage = 'conflict';
  core.timers.delete('handshake', link.id);
  core.conflicts.set(link.id, { link, incumbent, askedAt: core.nowMs });
  sendBeat(core, incumbent, true);
  conflictDue(core, link.id);
}

function newcomerWins(core: Core, link: IntroducedLink): void {
  core.conflicts.delete(link.id);
  core.timers.delete('conflict', link.id);
  const verdict = judge(core, link, core.config.cluster);
  if (verdict) turnAway(core, link, verdict);
  else if (link.direction === 'inbound') welcome(core, link);
  else adopt(core, link);
}

function turnAway(core: Core, link: IntroducedLink, verdict: Verdict): void {
  if (link.direction === 'inbound') refuse(core, link, verdict);
  else giveUp(core, link, verdict.code, verdict.message);
}

function nameTaken({ name, bootId }: NodeInfo): string {
  return `${name} is the name of another live node (boot id ${bootId}); give each node its own \`host\`, \`port\` or \`name\``;
}

function incumbentStays(core: Core, link: IntroducedLink, incumbent: PeerRecord): void {
  core.conflicts.delete(link.id);
  turnAway(core, link, { code: 'NAME_TAKEN', message: nameTaken(incumbent.node) });
}

/**
 * A frame came by this link. If it is the first one after our welcome, the handshake is complete, and the other end
 * becomes a peer. Returns the peer whose connection it is.
 */
export function completeHandshake(core: Core, link: LinkRecord): PeerRecord | undefined {
  if (link.stage === 'welcomed' && link.direction === 'inbound') confirm(core, link);
  return peerOf(core, link);
}
