import { silenceToTell, sendBeat } from './beats.js';
import type { Core, PeerRecord, Suspicion } from './core.js';
import { dialAnew } from './dialling.js';
import type { Answer, Ask } from '../wire/frames.js';
import { watchersOf } from './ring.js';
import { countedSilence, judge, patienceLeft } from './rule.js';
import {
  BURST_PROBES,
  DEGRADED_LAG_MS,
  LATER_TRIAL_PROBES,
  NEXT_TRIAL_MS,
  TELL_AFTER_PROBES,
  TRIAL_AFTER_BEATS,
  TRIAL_PROBES,
} from '../time/liveness-timing.js';

/** Peers that are asked whether they hear a suspect. */
const ASKED_PEERS = 3;

/** Of all peers: when so many are silent at once, it is no accident of each. */
const MANY_SILENT = 1 / 3;

/** Begins to look into whether a peer lives: by probes, by the word of others, and by a beat that asks for one. */
export function suspect(core: Core, peer: PeerRecord, why: Suspicion['why'], earlierMs: number): void {
  if (peer.suspicion) return;
  const { now } = core.clock;
  peer.suspicion = {
    why,
    since: now,
    countsFromMs: now.runMs - earlierMs,
    isTold: false,
    burstLeft: BURST_PROBES,
    sent: 0,
    answered: 0,
    unanswered: 0,
    asked: new Map(),
    reconnectAtMs: 0,
  };
  sendBeat(core, peer, true);
  ask(core, peer, peer.suspicion);
  core.timers.set('probe', peer.node.bootId, core.nowMs);
  core.timers.set('judge', peer.node.bootId, core.nowMs);
  lookAround(core);
}

/**
 * When so many peers are silent at once, or do not hear us, the path to them is cut, and whom nobody watches on this side
 * of the cut is silent as well: nobody would tell us of it. So we look at all whom we do not watch.
 */
function lookAround(core: Core): void {
  if (core.nowMs < core.lookedAroundMs + core.timing.downMs) return;
  const peers = [...core.peers.values()];
  const suspects = peers.filter(({ suspicion }) => suspicion && suspicion.why !== 'lost');
  if (suspects.length < MANY_SILENT * peers.length) return;
  core.lookedAroundMs = core.nowMs;
  for (const peer of peers) if (!peer.watched && peer.link !== undefined) doubt(core, peer);
}

/** Suspects a peer that may have been silent for long: it has the time of a burst of probes at least. */
function doubt(core: Core, peer: PeerRecord): void {
  suspect(core, peer, 'told', Math.min(countedSilence(core, peer), core.timing.suspectMs));
}

/**
 * It is time to judge a peer: suspects it when it is silent for too long, replaces a connection that is stalled, and
 * sets the time of the next judgement. Returns whether its deadline has passed.
 */
export function judgeDue(core: Core, peer: PeerRecord): boolean {
  const quietMs = peer.suspicion ? 0 : patienceLeft(core, peer);
  if (quietMs <= 0) suspect(core, peer, 'silent', core.timing.suspectMs);
  const { suspicion } = peer;
  const { leftMs } = suspicion ? judge(core, peer) : { leftMs: quietMs };
  if (suspicion && leftMs <= 0) return true;
  if (suspicion && reconnectIn(core, peer, suspicion) <= 0) reconnect(core, peer, suspicion);
  const stalledMs = suspicion ? reconnectIn(core, peer, suspicion) : Number.POSITIVE_INFINITY;
  core.timers.set('judge', peer.node.bootId, core.nowMs + Math.max(1, Math.min(leftMs, stalledMs)));
  return false;
}

/**
 * The connection of a peer broke: it has time to be reached again. Who said before that it does not hear us closed
 * it by its own verdict, and when a whole burst of probes that should get through does not, that is ours as well.
 */
export function suspectLost(core: Core, peer: PeerRecord): void {
  const { redialMs, downMs } = core.timing;
  const { now } = core.clock;
  suspect(core, peer, 'lost', downMs - redialMs);
  const suspicion = peer.suspicion!;
  const { why, answered, countsFromMs } = suspicion;
  const isVerdict = why === 'unheard' && answered === 0 && doProbesDecide(peer);
  suspicion.lost = now;
  if (!isVerdict) suspicion.countsFromMs = Math.max(countsFromMs, now.runMs + redialMs - downMs);
  core.timers.set('judge', peer.node.bootId, core.nowMs);
}

/** Whether a burst of probes that stays unanswered tells anything. */
function doProbesDecide({ answersProbes, probes }: PeerRecord): boolean {
  return answersProbes && probes !== 'unanswered';
}

/**
 * The peer says for how long it has not heard us: by its beats, and by its probes, since beats may be stuck in a
 * stream that is cut. Whom we hear and who does not hear us is cut off from us all the
 * same: both sides of a path that is open one way come to one verdict. Its word may be old, so we see for ourselves:
 * by a whole burst of probes, or for a whole deadline where no probe gets through.
 */
export function takeUnheard(core: Core, peer: PeerRecord, silentMs: number | undefined): void {
  if (silentMs === undefined || peer.link === undefined) return;
  const earlierMs = doProbesDecide(peer) ? core.timing.suspectMs : 0;
  suspect(core, peer, 'unheard', earlierMs);
  const suspicion = peer.suspicion!;
  if (suspicion.why !== 'unheard') {
    // A burst that goes on unanswered is not begun anew; but the path may just have opened, so half of it is to come.
    const { probeEveryMs, windowMs } = core.timing;
    const burstMs = Math.min(suspicion.unanswered * probeEveryMs, windowMs / 2);
    const countedMs = earlierMs > 0 ? Math.max(earlierMs + burstMs, countedSilence(core, peer)) : 0;
    suspicion.countsFromMs = core.clock.now.runMs - countedMs;
    core.timers.set('judge', peer.node.bootId, core.nowMs);
  }
  suspicion.why = 'unheard';
  suspicion.unheardSinceMs = Math.min(suspicion.unheardSinceMs ?? core.nowMs, core.nowMs - silentMs);
}

/** The next probe of a burst is due. */
export function probeDue(core: Core, peer: PeerRecord): void {
  const { suspicion } = peer;
  if (!suspicion) return probeTrial(core, peer);
  if (suspicion.unanswered >= TELL_AFTER_PROBES) tell(core, peer, suspicion);
  if (suspicion.burstLeft === 0) suspicion.burstLeft = BURST_PROBES;
  suspicion.burstLeft -= 1;
  suspicion.sent += 1;
  suspicion.unanswered += 1;
  probe(core, peer);
  const pauseMs = suspicion.burstLeft > 0 ? core.timing.probeEveryMs : core.timing.nextBurstMs;
  core.timers.set('probe', peer.node.bootId, core.nowMs + pauseMs);
}

/** A probe came back: that very process lives, and this is how far behind its main loop is. */
export function probed(core: Core, bootId: string, lagMs: number, ageMs = 0): void {
  const peer = core.peers.get(bootId);
  if (!peer) return;
  peer.probes = 'answered';
  delete peer.unsent;
  const { now } = core.clock;
  // What waited for our own loop was before its block; the running clock stood still meanwhile.
  peer.proven = {
    ms: Math.max(peer.proven?.ms ?? Number.NEGATIVE_INFINITY, now.ms - ageMs),
    runMs: now.runMs,
  };
  const { suspicion } = peer;
  if (!suspicion) return laterTrial(core, peer);
  suspicion.answered += 1;
  suspicion.unanswered = 0;
  suspicion.burstLeft = 0;
  core.timers.set('probe', bootId, core.nowMs + core.timing.nextBurstMs);
  if (lagMs >= DEGRADED_LAG_MS) {
    peer.blocked = peer.proven;
    tell(core, peer, suspicion);
    degrade(core, peer, lagMs);
  } else if (peer.status === 'degraded') recover(core, peer);
}

/**
 * A beat that answers what we asked since the suspicion began: the connection works both ways. Where packets are lost it
 * may have been on its way for long, and its process may have ended since; so whom we do not watch is asked once more,
 * since nobody tells us of a doubt twice.
 */
export function takeProof(core: Core, peer: PeerRecord, echo: number | undefined): void {
  if (!peer.suspicion || echo === undefined || echo < peer.suspicion.since.ms) return;
  cleared(core, peer);
  if (!peer.watched && core.nowMs - echo >= core.timing.suspectMs) suspect(core, peer, 'told', 0);
}

/** The peer lives, and its connection works. */
export function cleared(core: Core, peer: PeerRecord): void {
  if (!peer.suspicion) return;
  stopSuspicion(core, peer);
  if (peer.probes === 'answered') laterTrial(core, peer);
  else startTrial(core, peer);
  core.timers.set('judge', peer.node.bootId, core.nowMs + patienceLeft(core, peer));
  if (peer.status === 'degraded') recover(core, peer);
}

/** Nothing more is asked. */
export function stopSuspicion(core: Core, peer: PeerRecord): void {
  delete peer.suspicion;
  core.timers.delete('probe', peer.node.bootId);
  core.timers.delete('judge', peer.node.bootId);
}

/**
 * A peer asks whether we hear another one. Who slept until now has old beats to read: it hears nobody until its
 * loop has run for as long as it takes to hear a new one.
 */
export function takeAsk(core: Core, asker: PeerRecord, { about }: Ask): void {
  if (asker.link === undefined) return;
  const { now, late } = core.clock;
  const peer = core.peers.get(about);
  const signMs = Math.max(peer?.heard.ms ?? -Infinity, peer?.proven?.ms ?? -Infinity);
  const { freshMs } = core.timing;
  const hears = now.ms - signMs < freshMs && now.ms - late.at.ms >= freshMs;
  const body = { about, ...(hears && { silentMs: now.ms - signMs }) };
  core.send(asker.link, { kind: 'answer', body });
}

/** A peer says whether it hears a suspect, or that it suspects somebody, whom we had better look at ourselves. */
export function takeAnswer(core: Core, peer: PeerRecord, { about, silentMs, suspects }: Answer): void {
  const suspected = core.peers.get(about);
  if (suspected?.link !== undefined && suspects) return doubt(core, suspected);
  const asked = suspected?.suspicion?.asked;
  if (!asked?.has(peer.node.bootId)) return;
  const answer = silentMs === undefined ? 'does not hear it' : 'hears it';
  asked.set(peer.node.bootId, { name: peer.node.name, answer });
}

/**
 * Learns whether probes get through to a new peer, so that `explain` can say so before they are needed. Not in the first
 * beats, in which a cluster that starts shakes hands.
 */
export function startTrial(core: Core, peer: PeerRecord): void {
  peer.trialsLeft = TRIAL_PROBES;
  const pauseMs = core.timing.intervalMs * (TRIAL_AFTER_BEATS + core.config.random());
  core.timers.set('probe', peer.node.bootId, core.nowMs + pauseMs);
}

/** Whether probes still get through to those whom we watch: a port may be closed while the cluster runs. */
function laterTrial(core: Core, peer: PeerRecord): void {
  peer.trialsLeft = LATER_TRIAL_PROBES;
  core.timers.set('probe', peer.node.bootId, core.nowMs + NEXT_TRIAL_MS);
}

function probeTrial(core: Core, peer: PeerRecord): void {
  if (peer.probes === 'answered') {
    if (!peer.watched) return laterTrial(core, peer);
    // Whether those of the other side arrive is to be seen anew.
    if (peer.trialsLeft === LATER_TRIAL_PROBES) peer.probedBy = false;
  }
  if (peer.trialsLeft > 0) peer.trialsLeft -= 1;
  else if (hearsUs(core, peer)) peer.probes = 'unanswered';
  // Who is silent, or does not hear us either, tells nothing of probes.
  else sendBeat(core, peer, true);
  probe(core, peer);
  const pauseMs = peer.probes === 'unanswered' ? NEXT_TRIAL_MS : core.timing.intervalMs / 2;
  core.timers.set('probe', peer.node.bootId, core.nowMs + pauseMs);
}

/** Whether it has just answered what we asked by its connection. */
function hearsUs(core: Core, { echoMs = Number.NEGATIVE_INFINITY }: PeerRecord): boolean {
  return core.nowMs - echoMs < core.timing.freshMs;
}

/** Asks its process for a sign of life by UDP. */
export function probe(core: Core, peer: PeerRecord): void {
  const { bootId } = peer.node;
  const { host, port } = peer.probeAt;
  const silentMs = silenceToTell(core, peer) ?? 0;
  core.out.push({ type: 'probe', bootId, host, port, key: peer.probeKey, silentMs });
}

/** Asks who watches the suspect, and knows it best, whether they hear it. */
function ask(core: Core, suspected: PeerRecord, { asked }: Suspicion): void {
  const others = watchersOf(core, suspected).filter(
    ({ link, suspicion }) => link !== undefined && !suspicion,
  );
  for (let i = 0; i < ASKED_PEERS && others.length > 0; i++) {
    const [peer] = others.splice(Math.floor(core.config.random() * others.length), 1);
    asked.set(peer!.node.bootId, { name: peer!.node.name, answer: 'no answer' });
    core.send(peer!.link!, { kind: 'ask', body: { about: suspected.node.bootId } });
  }
}

/** The doubt stands: the suspect is told, and by its watchers all others, who look for themselves. */
function tell(core: Core, suspected: PeerRecord, suspicion: Suspicion): void {
  if (suspicion.isTold) return;
  suspicion.isTold = true;
  if (suspicion.why !== 'silent' && suspicion.why !== 'told') return;
  sendBeat(core, suspected);
  if (!suspected.watched) return;
  for (const { link, node } of core.peers.values()) {
    if (link === undefined || node === suspected.node) continue;
    core.send(link, { kind: 'answer', body: { about: suspected.node.bootId, suspects: true } });
  }
}

/** How long it is, on the running clock, until a stream is stalled: its process lives, and it does not answer. */
function reconnectIn(core: Core, { status, proven, link }: PeerRecord, suspicion: Suspicion): number {
  // A blocked process would not answer a dial.
  if (status === 'degraded' || link === undefined) return Number.POSITIVE_INFINITY;
  const { since, asked, reconnectAtMs } = suspicion;
  const isProven = proven !== undefined && proven.ms >= since.ms;
  const isVouched = !isProven && [...asked.values()].some(({ answer }) => answer === 'hears it');
  const stalledAtMs = since.runMs + (isVouched ? core.timing.windowMs : core.timing.stalledMs);
  return Math.max(reconnectAtMs, stalledAtMs) - core.clock.now.runMs;
}

function reconnect(core: Core, peer: PeerRecord, suspicion: Suspicion): void {
  suspicion.reconnectAtMs = core.clock.now.runMs + core.timing.reconnectEveryMs;
  const record = core.book.get(peer.dialAddress);
  if (record) dialAnew(core, record);
  ask(core, peer, suspicion);
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
