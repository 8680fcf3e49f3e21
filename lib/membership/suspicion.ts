import type { Core, PeerRecord, Suspicion } from './core.js';
import { dialNow } from './dialling.js';
import { sendBeat, unheardFor } from './beats.js';
import type { Answer, Ask } from '../wire/messages.js';
import { isMonitored } from './monitors.js';

/** A burst of probes: 30 in 1.5 s. At 50 % loss each way, one round trip in four works: all fail once in 5,600. */
const BURST_PROBES = 30;
const PROBE_EVERY_MS = 50;

/** A suspect that answers probes is probed again after this. */
const NEXT_BURST_MS = 1_000;

/** Peers that are asked whether they hear a suspect. */
const ASKED_PEERS = 3;

/** A process whose main loop has not moved for this long is degraded. */
const DEGRADED_LAG_MS = 1_000;

/** Who was heard within so many beats is heard; older word would only prolong a cut that we share. */
const FRESH_BEATS = 1.5;

/** The word of others alone keeps a silent peer this many times as long as nothing does. */
const VOUCHED_FACTOR = 3;

/** A stream that is silent this long while its process lives is stalled: a new connection starts afresh. */
const STALLED_MS = 8_000;

/** The pause between two tries to replace a stalled connection. */
const RECONNECT_EVERY_MS = 2_000;

/** The first probe of a connection only learns whether probes get through; it is sent this many times. */
const TRIAL_PROBES = 3;

/** Until one gets through: who opens the port of a firewall wants to see that it helped. */
const NEXT_TRIAL_MS = 30_000;

/** A monitored peer may have been silent for too long. */
export function lookAtSilence(core: Core, peer: PeerRecord): void {
  const suspectAtMs = hearingSince(core, peer) + core.config.heartbeat.suspectMs;
  if (core.nowMs < suspectAtMs) core.timers.set(`silence ${peer.node.bootId}`, suspectAtMs);
  else {
    tellSuspicion(core, peer);
    suspect(core, peer);
  }
}

/** A peer's silence is looked into: by probes, by the word of others, and by a beat that asks for one back. */
export function suspect(core: Core, peer: PeerRecord): void {
  if (peer.suspicion || peer.link === undefined) return;
  const { bootId } = peer.node;
  peer.suspicion = { burstLeft: BURST_PROBES, sent: 0, answered: 0, asked: new Map(), reconnectAtMs: 0 };
  core.suspects.add(bootId);
  sendBeat(core, peer, true);
  ask(core, peer, peer.suspicion);
  core.timers.set(`probe ${bootId}`, core.nowMs);
  core.timers.set(`judge ${bootId}`, deadline(core, peer));
}

/**
 * The peer says for how long it has not heard us; undefined: it hears us. Whom we hear and who does not hear us
 * is cut off from us all the same: both sides of a path that is open one way come to one verdict.
 */
export function hearsUs(core: Core, peer: PeerRecord, silentMs: number | undefined): void {
  if (silentMs === undefined) {
    if (peer.unheardSinceMs === undefined) return;
    delete peer.unheardSinceMs;
    return cleared(core, peer);
  }
  // What comes late makes it no shorter.
  peer.unheardSinceMs = Math.min(peer.unheardSinceMs ?? core.nowMs, core.nowMs - silentMs);
  suspect(core, peer);
}

/** The peer probes us because it has not heard us for so long. Its beats may be stuck in a stream that is cut. */
export function doubted(core: Core, bootId: string, silentMs: number): void {
  const peer = core.peers.get(bootId);
  if (peer?.link !== undefined) hearsUs(core, peer, silentMs);
}

/** Another node suspects this peer, which we do not monitor ourselves. */
export function takeSuspicion(core: Core, bootId: string): void {
  const peer = core.peers.get(bootId);
  if (!peer || peer.suspicion || core.monitored === undefined || core.monitored.has(bootId)) return;
  // We never waited for its signs of life: it has until the deadline of who did.
  peer.heardAtMs = Math.max(peer.heardAtMs, core.nowMs - core.config.heartbeat.suspectMs);
  suspect(core, peer);
}

/** The next probe of a burst is due. */
export function probeDue(core: Core, peer: PeerRecord): void {
  const { suspicion } = peer;
  if (!suspicion) return probeTrial(core, peer);
  if (suspicion.burstLeft === 0) suspicion.burstLeft = BURST_PROBES;
  suspicion.burstLeft -= 1;
  suspicion.sent += 1;
  probe(core, peer);
  const pauseMs = suspicion.burstLeft > 0 ? PROBE_EVERY_MS : NEXT_BURST_MS;
  core.timers.set(`probe ${peer.node.bootId}`, core.nowMs + pauseMs);
}

/** A probe came back: that very process lives, and this is how far behind its main loop is. */
export function probed(core: Core, bootId: string, lagMs: number): void {
  const peer = core.peers.get(bootId);
  if (!peer) return;
  peer.probes = 'answered';
  peer.provenAtMs = core.nowMs;
  const { suspicion } = peer;
  if (!suspicion) return;
  suspicion.answered += 1;
  tellAskers(core, peer);
  suspicion.burstLeft = 0;
  core.timers.set(`probe ${bootId}`, core.nowMs + NEXT_BURST_MS);
  if (lagMs >= DEGRADED_LAG_MS) degrade(core, peer, lagMs);
  else if (peer.status === 'degraded') recover(core, peer);
}

/** The peer is heard on its connection again. */
export function cleared(core: Core, peer: PeerRecord): void {
  const { bootId } = peer.node;
  if (peer.suspicion) {
    delete peer.suspicion;
    stopSuspicion(core, peer);
    if (peer.probes !== 'answered') startTrial(core, peer);
    tellAskers(core, peer);
    if (peer.status === 'up') core.health.falseSuspicion(core.nowMs);
    if (isMonitored(core, bootId)) {
      core.timers.set(`silence ${bootId}`, core.nowMs + core.config.heartbeat.suspectMs);
    }
  }
  if (peer.status === 'degraded') recover(core, peer);
}

/** Whether the deadline of a suspect has passed. Looks again when it could have. */
export function isTimedOut(core: Core, peer: PeerRecord): boolean {
  const { suspicion } = peer;
  if (!suspicion) return false;
  const deadlineMs = deadline(core, peer);
  if (core.nowMs >= deadlineMs) return true;
  if (core.nowMs >= reconnectTime(core, peer, suspicion)) reconnect(core, peer, suspicion);
  const nextMs = Math.min(deadlineMs, reconnectTime(core, peer, suspicion));
  core.timers.set(`judge ${peer.node.bootId}`, Math.max(core.nowMs + 1, nextMs));
  return false;
}

/** The suspect's connection ended, or the suspect is down: nothing more is asked. */
export function stopSuspicion(core: Core, { node: { bootId } }: PeerRecord): void {
  core.suspects.delete(bootId);
  core.timers.delete(`probe ${bootId}`);
  core.timers.delete(`judge ${bootId}`);
}

/** A peer asks whether we hear another one. What we do not monitor, we first look into. */
export function takeAsk(core: Core, asker: PeerRecord, { about }: Ask): void {
  const peer = core.peers.get(about);
  if (peer?.link === undefined) return answer(core, asker, about, undefined);
  const silentMs = core.nowMs - aliveAt(peer);
  if (silentMs < FRESH_BEATS * core.config.heartbeat.intervalMs) return answer(core, asker, about, silentMs);
  if (isMonitored(core, about)) return answer(core, asker, about, undefined);
  peer.askers.add(asker.node.bootId);
  takeSuspicion(core, about);
}

/** A peer says whether it hears a suspect, or that it suspects somebody. */
export function takeAnswer(core: Core, peer: PeerRecord, { about, silentMs, suspects }: Answer): void {
  if (suspects) return takeSuspicion(core, about);
  const suspicion = core.peers.get(about)?.suspicion;
  if (!suspicion?.asked.has(peer.node.bootId)) return;
  const hears = silentMs !== undefined;
  suspicion.asked.set(peer.node.bootId, {
    name: peer.node.name,
    answer: hears ? 'hears it' : 'does not hear it',
  });
  if (hears) suspicion.vouchedAtMs = Math.max(suspicion.vouchedAtMs ?? 0, core.nowMs - silentMs);
}

/** Learns whether probes get through to a new peer, so that `explain` can say so before they are needed. */
export function startTrial(core: Core, peer: PeerRecord): void {
  peer.trialsLeft = TRIAL_PROBES;
  core.timers.set(
    `probe ${peer.node.bootId}`,
    core.nowMs + core.config.heartbeat.intervalMs * core.config.random(),
  );
}

function probeTrial(core: Core, peer: PeerRecord): void {
  if (peer.probes === 'answered') return;
  if (peer.trialsLeft > 0) peer.trialsLeft -= 1;
  else peer.probes = 'unanswered';
  probe(core, peer);
  const pauseMs = peer.probes === 'unanswered' ? NEXT_TRIAL_MS : core.config.heartbeat.intervalMs;
  core.timers.set(`probe ${peer.node.bootId}`, core.nowMs + pauseMs);
}

function probe(core: Core, peer: PeerRecord): void {
  const { bootId, host, port } = peer.node;
  const silentMs = unheardFor(core, peer) ?? 0;
  core.out.push({ type: 'probe', bootId, host, port, key: peer.probeKey, silentMs });
}

function ask(core: Core, suspected: PeerRecord, suspicion: Suspicion): void {
  const others = [...core.peers.values()].filter((peer) => peer.link !== undefined && !peer.suspicion);
  for (let i = 0; i < ASKED_PEERS && others.length > 0; i++) {
    const [peer] = others.splice(Math.floor(core.config.random() * others.length), 1);
    suspicion.asked.set(peer!.node.bootId, { name: peer!.node.name, answer: 'no answer' });
    core.send(peer!.link!, { kind: 'ask', body: { about: suspected.node.bootId } });
  }
}

/** On a ring, who monitors a peer tells all others, who look for themselves. */
function tellSuspicion(core: Core, suspected: PeerRecord): void {
  if (core.monitored === undefined || suspected.suspicion) return;
  for (const peer of core.peers.values()) {
    if (peer === suspected || peer.link === undefined) continue;
    core.send(peer.link, { kind: 'answer', body: { about: suspected.node.bootId, suspects: true } });
  }
}

/** Silence counts only while our own loop ran: after a late wake-up, what has arrived is read first. */
function hearingSince(core: Core, peer: PeerRecord): number {
  return Math.max(contactAt(peer), core.health.lag.atMs);
}

/** When the connection last worked both ways. */
function contactAt({ heardAtMs, unheardSinceMs }: PeerRecord): number {
  return Math.min(heardAtMs, unheardSinceMs ?? heardAtMs);
}

function aliveAt(peer: PeerRecord): number {
  return Math.max(contactAt(peer), peer.provenAtMs);
}

/** When a silent peer is down, unless something is heard of it. */
export function deadline(core: Core, peer: PeerRecord): number {
  const allowedMs = core.config.heartbeat.downMs * (1 + core.ownScore());
  const directAtMs = Math.max(aliveAt(peer), core.health.lag.atMs);
  const vouchedAtMs = peer.suspicion?.vouchedAtMs ?? Number.NEGATIVE_INFINITY;
  return Math.max(
    directAtMs + allowedMs,
    Math.min(vouchedAtMs + allowedMs, directAtMs + VOUCHED_FACTOR * allowedMs),
  );
}

/**
 * When a connection is worth replacing: its process lives, by its own proof or by the word of others, and the
 * stream stays silent. A blocked process would not answer a dial, and its stream is not stalled.
 */
function reconnectTime(core: Core, peer: PeerRecord, { vouchedAtMs, reconnectAtMs }: Suspicion): number {
  if (peer.status === 'degraded') return Number.POSITIVE_INFINITY;
  const isVouched = vouchedAtMs !== undefined && peer.provenAtMs < hearingSince(core, peer);
  const silentMs = isVouched ? core.config.heartbeat.downMs : STALLED_MS;
  return Math.max(reconnectAtMs, hearingSince(core, peer) + silentMs);
}

function reconnect(core: Core, peer: PeerRecord, suspicion: Suspicion): void {
  suspicion.reconnectAtMs = core.nowMs + RECONNECT_EVERY_MS;
  const record = core.book.get(peer.dialAddress);
  if (record) dialNow(core, record);
  ask(core, peer, suspicion);
}

function answer(core: Core, asker: PeerRecord, about: string, silentMs: number | undefined): void {
  if (asker.link === undefined) return;
  core.send(asker.link, { kind: 'answer', body: { about, ...(silentMs !== undefined && { silentMs }) } });
}

function tellAskers(core: Core, peer: PeerRecord): void {
  for (const bootId of peer.askers) {
    const asker = core.peers.get(bootId);
    if (asker) answer(core, asker, peer.node.bootId, core.nowMs - aliveAt(peer));
  }
  peer.askers.clear();
}

function degrade(core: Core, peer: PeerRecord, lagMs: number): void {
  peer.lagMs = lagMs;
  if (peer.status === 'degraded') return;
  peer.status = 'degraded';
  core.out.push({ type: 'emit', event: { type: 'peer.degraded', peer: core.snapshot(peer), lagMs } });
}

/** `lagMs` of the event is the longest block that was seen. */
function recover(core: Core, peer: PeerRecord): void {
  const lagMs = peer.lagMs ?? 0;
  peer.status = 'up';
  delete peer.lagMs;
  core.out.push({ type: 'emit', event: { type: 'peer.recovered', peer: core.snapshot(peer), lagMs } });
}
