import { addressOf } from '../naming/node-name.js';
import { OWN_SOURCES } from './address-book.js';
import { Core, type LinkRecord, type PeerRecord, remoteOf } from './core.js';
import {
  consider,
  dialled,
  dialNow,
  expireHints,
  foundAnswer,
  foundHints,
  hasQueue,
  opened,
  pump,
} from './dialling.js';
import { countTurn } from './dial-room.js';
import type { Peer } from './events.js';
import { compareDue, digestDue, takeDigest, takePeerList } from './anti-entropy.js';
import { explainAddress, explainAll } from './explain.js';
import type { NameExplanation } from './explanation.js';
import {
  completeHandshake,
  conflictDue,
  dialEnded,
  endConflictsWith,
  handshakeTimedOut,
  proveIncumbent,
  takeHello,
  takeRefuse,
  takeWelcome,
} from './handshake.js';
import { beatDue, sendBeat, takeBeat } from './beats.js';
import { changeSelf, takeMeta } from './identity.js';
import { allKnowOurLeaving, drain, takeLeaving } from './leaving.js';
import type { Directive, Input, LinkId, MembershipConfig } from './membership.types.js';
import { down, lostConnection, peerOf } from './peers.js';
import { probeCounts, probeNotes } from './probe-notes.js';
import type { ProbeCounts } from './probe-notes.js';
import { callBack, reached, reachNotes, unreached } from './reach.js';
import { recomputeRing } from './ring.js';
import { isInDoubt } from './rule.js';
import { judgeDue, probed, probeDue, takeAnswer, takeAsk, takeProof, takeUnheard } from './suspicion.js';
import { READ_FIRST_MS } from '../time/liveness-timing.js';
import type { Timer } from './timers.js';

/** How a name stands: bound to a peer, being dialled, or waiting for its backoff. */
type Standing =
  | { readonly state: 'self' | 'disconnected' | 'dialling' | 'waiting' }
  | { readonly state: 'peer'; readonly bootId: string };

/**
 * Who is a peer: a pure state machine. Each input, with the monotonic time at which it came, leads to
 * directives for the shell to carry out, in order. It has no timers, no sockets, no clock and no randomness
 * of its own, so that a seed replays a run.
 */
export class Membership {
  private readonly core: Core;
  private wakeAtMs: number | undefined;
  /** When a late wake-up was put off by one turn: what has arrived is read before anyone is judged. */
  private putOffMs: number | undefined;
  private snapshots: Peer[] | undefined;

  constructor(config: MembershipConfig) {
    this.core = new Core(config);
  }

  /** Snapshots of the peers, sorted by name. Every event makes several parts ask: they are made once for each input. */
  peers(): Peer[] {
    this.snapshots ??= [...this.core.peers.values()]
      .map((peer) => this.core.snapshot(peer))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return this.snapshots.slice();
  }

  /** What is known of a name, or of every name, at `nowMs`. */
  explain(nowMs: number, name?: string): NameExplanation[] {
    this.core.clock.advance(nowMs, this.wakeAtMs);
    return name === undefined ? explainAll(this.core) : [explainAddress(this.core, name)];
  }

  /** What does not work between this node and its peers, one sentence each. */
  notes(): string[] {
    return [...reachNotes(this.core), ...probeNotes(this.core)];
  }

  /** Peers by what becomes of UDP probes to them. */
  probeCounts(): ProbeCounts {
    return probeCounts(this.core);
  }

  /** How a name stands right now; cheaper than `explain`. */
  standing(name: string): Standing {
    const record = this.core.book.get(addressOf(name));
    if (!record) return { state: name === this.core.self.name ? 'self' : 'waiting' };
    if (record.boundTo === 'self') return { state: 'self' };
    if (record.boundTo !== undefined) return { state: 'peer', bootId: record.boundTo };
    if (record.blocked) return { state: 'disconnected' };
    return { state: record.queued || record.dialling !== undefined ? 'dialling' : 'waiting' };
  }

  /** Whether anything is being dialled, waits for that, or is in its handshake. */
  get isDialling(): boolean {
    const { core } = this;
    return hasQueue(core) || core.handshakes.size > 0;
  }

  /** How many peers live beyond doubt at `nowMs`. */
  heardPeers(nowMs: number): number {
    const { core } = this;
    core.clock.advance(nowMs, this.wakeAtMs);
    return [...core.peers.values()].filter((peer) => !isInDoubt(core, peer)).length;
  }

  /** Whether every peer that is connected has heard that this node shuts down. */
  get allKnowOurLeaving(): boolean {
    return allKnowOurLeaving(this.core);
  }

  /** Whether this peer is new to us, and neither had anything to tell the other at the handshake. */
  metBlank(bootId: string): boolean {
    return this.core.peers.get(bootId)?.metBlank === true;
  }

  /** A number for a link that the shell accepted. Dials get theirs from the `dial` directive. */
  newLink(): LinkId {
    return this.core.newLink();
  }

  handle(input: Input, nowMs: number): Directive[] {
    const { core } = this;
    const lateMs = core.clock.advance(nowMs, this.wakeAtMs);
    core.out = [];
    this.snapshots = undefined;
    this.take(input);
    // Timers run on a wake-up only, and one turn later when that is late: what arrived is taken in before they judge.
    if (input.type === 'wake') this.wake(lateMs);
    pump(core);
    const nextAtMs = core.timers.nextAtMs();
    const wakeAtMs = nextAtMs && Math.max(nextAtMs, this.putOffMs ?? nextAtMs);
    if (wakeAtMs !== undefined && wakeAtMs !== this.wakeAtMs)
      core.out.push({ type: 'wakeAt', atMs: wakeAtMs });
    this.wakeAtMs = wakeAtMs;
    return core.out;
  }

  private take(input: Input): void {
    const { core } = this;
    switch (input.type) {
      case 'found':
        if (input.as === 'answer') foundAnswer(core, input.provider, input.names);
        else foundHints(core, input.provider, input.names);
        return;
      case 'connect':
        return this.connect(input.name);
      case 'disconnect':
        return this.disconnect(input.name);
      case 'probed':
        probed(core, input.bootId, input.lagMs, input.ageMs);
        return proveIncumbent(core, input.bootId, core.nowMs - (input.ageMs ?? 0));
      case 'unheard': {
        const peer = core.peers.get(input.bootId);
        if (peer) takeUnheard(core, peer, input.silentMs);
        return;
      }
      case 'probedBy': {
        const peer = core.peers.get(input.bootId);
        if (peer) peer.probedBy = true;
        return;
      }
      case 'unsent': {
        const peer = core.peers.get(input.bootId);
        if (peer) peer.unsent = input.code;
        return;
      }
      case 'answersProbes':
        core.answersProbes = input.isSo;
        // Who met us before is told: a thread may begin later than its node, or end.
        for (const peer of core.peers.values()) sendBeat(core, peer);
        return;
      case 'notBlank':
        core.isBlank = false;
        return;
      case 'changeSelf':
        return changeSelf(core, input.change);
      case 'opened':
        return opened(core, input.link);
      case 'dialled':
        return dialled(core, input.link, input.address);
      case 'reached':
        return reached(core, input.address);
      case 'unreached':
        return unreached(core, input.address, input.code);
      case 'hello':
        return takeHello(core, input.link, input.address, input.body);
      case 'wake':
        return;
      case 'drain':
        return drain(core);
      case 'stop':
        return this.stop();
      default: {
        const link = core.links.get(input.link);
        if (link) this.takeOfLink(link, input);
      }
    }
  }

  private takeOfLink(link: LinkRecord, input: Extract<Input, { link: LinkId }>): void {
    const { core } = this;
    switch (input.type) {
      case 'dialFailed':
        core.forgetLink(link);
        return dialEnded(core, link, input.code, input.message);
      case 'welcome':
        return takeWelcome(core, link, input.body);
      case 'refuse':
        return takeRefuse(core, link, input.body);
      case 'closed':
        return this.closed(link, input);
      case 'heard': {
        const peer = peerOf(core, link);
        if (peer) peer.heard = core.clock.now;
        return;
      }
    }
    const peer = completeHandshake(core, link);
    if (!peer) return;
    peer.heard = core.clock.now;
    switch (input.type) {
      case 'beat':
        takeBeat(core, peer, input.body);
        takeUnheard(core, peer, input.body.silentMs);
        takeProof(core, peer, input.body.echo);
        return proveIncumbent(core, peer.node.bootId, input.body.echo);
      case 'leaving':
        return takeLeaving(core, peer, input.body);
      case 'leave':
        return down(core, peer, input.body.reason);
      case 'peers':
        return takePeerList(core, peer, link, input.body);
      case 'digest':
        return takeDigest(core, peer, link, input.body);
      case 'ask':
        return takeAsk(core, peer, input.body);
      case 'answer':
        return takeAnswer(core, peer, input.body);
      case 'meta':
        return takeMeta(core, peer, input.body);
    }
  }

  private closed(link: LinkRecord, { code, fault }: Extract<Input, { type: 'closed' }>): void {
    const { core } = this;
    const peer = peerOf(core, link);
    core.forgetLink(link);
    // Who is connected and had one connection too many was late to be told so: no news.
    const isDuplicate = !peer && core.peers.get(remoteOf(link)?.bootId ?? '')?.link !== undefined;
    if (
      fault &&
      (peer || link.direction === 'inbound') &&
      !(isDuplicate && fault.code === 'HANDSHAKE_TIMEOUT')
    )
      core.emitRefused(link, fault.code, fault.message);
    if (peer) {
      lostConnection(core, peer, code, fault !== undefined);
      endConflictsWith(core, peer.node.bootId);
    } else if (link.direction === 'outbound') {
      const lost = `the connection ended during the handshake (${code})`;
      dialEnded(core, link, fault?.code ?? 'CONNECTION_LOST', fault?.message ?? lost);
    }
  }

  private wake(lateMs: number): void {
    const { core } = this;
    this.wakeAtMs = undefined;
    this.putOffMs = lateMs > READ_FIRST_MS && this.putOffMs === undefined ? core.nowMs : undefined;
    if (this.putOffMs !== undefined) return;
    for (let due = core.timers.takeDue(core.nowMs); due; due = core.timers.takeDue(core.nowMs))
      this.due(due, lateMs);
  }

  private due(timer: Timer, lateMs: number): void {
    const { core } = this;
    switch (timer.kind) {
      // The pump itself comes after every input.
      case 'pump':
        return countTurn(core, lateMs);
      case 'digest':
        return digestDue(core);
      case 'ring':
        return recomputeRing(core);
      case 'dial': {
        const record = core.book.get(timer.id);
        return record && consider(core, record);
      }
      case 'hint':
        return expireHints(core, timer.id);
      case 'handshake': {
        const link = core.links.get(timer.id);
        return link && handshakeTimedOut(core, link);
      }
      case 'conflict':
        return conflictDue(core, timer.id);
      default: {
        const peer = core.peers.get(timer.id);
        return peer && this.peerDue(peer, timer.kind);
      }
    }
  }

  private peerDue(peer: PeerRecord, kind: 'beat' | 'probe' | 'compare' | 'reach' | 'judge'): void {
    const { core } = this;
    switch (kind) {
      case 'beat':
        return beatDue(core, peer);
      case 'probe':
        return probeDue(core, peer);
      case 'compare':
        return compareDue(core, peer);
      case 'reach':
        return callBack(core, peer);
      case 'judge':
        if (judgeDue(core, peer)) down(core, peer, peer.link === undefined ? 'closed' : 'timeout');
    }
  }

  private connect(name: string): void {
    const { core } = this;
    const record = core.book.hint(OWN_SOURCES.connect, name, core.nowMs + core.config.limits.hintMs);
    core.timers.set('hint', record.address, core.nowMs + core.config.limits.hintMs);
    record.blocked = false;
    record.retryAtMs = core.nowMs;
    for (const [bootId, address] of core.disconnected) {
      if (address === record.address) core.disconnected.delete(bootId);
    }
    consider(core, record);
    if (record.boundTo === undefined) dialNow(core, record);
  }

  private disconnect(name: string): void {
    const { core } = this;
    const record = core.book.open(name);
    record.blocked = true;
    const peer = core.peers.get(core.byAddress.get(addressOf(name)) ?? record.boundTo ?? '');
    if (!peer) return;
    core.disconnected.set(peer.node.bootId, record.address);
    if (peer.link !== undefined) core.send(peer.link, { kind: 'leave', body: { reason: 'disconnected' } });
    down(core, peer, 'disconnected');
  }

  private stop(): void {
    const { core } = this;
    core.isStopping = true;
    for (const peer of core.peers.values()) {
      if (peer.link === undefined) continue;
      core.send(peer.link, { kind: 'leave', body: { reason: 'left' } });
      core.close(core.links.get(peer.link)!, true);
    }
    core.peers.clear();
    for (const link of [...core.links.values()]) {
      core.close(link, false);
      core.attemptEnded(link, { result: 'failed', code: 'ABORTED', message: 'the node is shutting down' });
    }
  }
}
