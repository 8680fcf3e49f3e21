import { randomBytes } from 'node:crypto';
import { PeerageError } from '../errors/peerage-error.js';
import type { DownReason, Peer, PeerEvent } from '../membership/events.js';
import type { MeshExplanation } from '../membership/explanation.js';
import type { Membership } from '../membership/membership.js';
import type { Input } from '../membership/membership.types.js';
import type { ExternalAddress } from '../naming/hosts.js';
import type { NodeInfo } from '../naming/node-info.js';
import { addressOf, canonicalName } from '../naming/node-name.js';
import type { PeerageSettings } from '../peerage.options.js';
import { PendingDials, notConnected } from './pending-dials.js';
import { type Clock, dateMs, systemClock } from '../time/clock.js';
import type { LoopWatch } from '../time/loop-watch.js';
import { inRootContext } from '../time/root-context.js';
import { PROBE_KEY_BYTES } from '../wire/control-frames.js';
import type {
  FoundResult,
  FoundSource,
  HandResult,
  Mesh,
  MessageLoss,
  MessagesDropped,
  MessageTaker,
  PostAllResult,
  PostResult,
} from './mesh.js';
import { type MeshStats, MeshCounters } from './mesh-stats.js';
import { Loopback } from './loopback.js';
import { MessageRoutes } from './message-routes.js';
import type { Prober, ProberOptions } from './probes/prober.js';
import { Dials } from './dials.js';
import { DirectivePerformer } from './directive-performer.js';
import { OwnNode } from './own-node.js';
import { noProber, openWithin } from './prober-start.js';
import { MembershipRunner } from './membership-runner.js';
import { MeshLinks } from './mesh-links.js';
import { ownFault, Refusals } from './refusals.js';
import type { Transport } from './transport/transport.js';

/** What a `PeerMesh` is made of. */
interface PeerMeshParts {
  readonly transport: Transport;
  /** @default the system's */
  readonly clock?: Clock;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
  /** The addresses of this machine that others may reach, the likeliest first. @default the host never changes */
  readonly ownAddresses?: () => readonly ExternalAddress[];
  /** Knows whether our own event loop stood still. @default it never does */
  readonly loop?: Pick<LoopWatch, 'lagMs' | 'history'>;
  /** Says something to people. @default nobody hears */
  readonly warn?: (message: string) => void;
  /** Takes an error of ours: no input of another node caused it. @default throws it */
  readonly fault?: (error: unknown) => void;
  /** Sends and answers UDP probes. @default nothing does */
  readonly startProber?: (options: ProberOptions) => Prober;
  /** Runs a callback in a later turn. @default setImmediate */
  readonly defer?: (callback: () => void) => void;
}

const DEFAULT_PARTS = {
  clock: systemClock,
  random: () => Math.random(),
  startProber: noProber,
  warn: () => {},
  fault: (error) => {
    throw error;
  },
  defer: (callback) => void setImmediate(callback),
} satisfies Partial<PeerMeshParts>;

const NO_PROBES: MeshStats['probes'] = { answered: 0, unanswered: 0, oneWay: 0, unsent: 0, untried: 0 };

/** A full mesh of direct connections: does what the membership core says, over a transport. */
export class PeerMesh implements Mesh {
  private readonly node: OwnNode;
  private runner: MembershipRunner | undefined;
  private state: 'new' | 'starting' | 'running' | 'stopped' = 'new';
  private stopping: Promise<void> | undefined;
  private toldAll: () => void = () => {};
  private telling: Promise<void> | undefined;
  private listening: { host: string; port: number } | undefined;
  private readonly probeKey = randomBytes(PROBE_KEY_BYTES);
  private prober: Prober | undefined;
  private isBlank = true;
  /** What the membership core is told as soon as it runs. */
  private early: Input[] = [{ type: 'answersProbes', isSo: false }];
  private stopWatchingAddress: () => void = () => {};
  private readonly parts: PeerMeshParts & Required<Pick<PeerMeshParts, keyof typeof DEFAULT_PARTS>>;
  private readonly clock: Clock;
  private readonly links: MeshLinks;
  private readonly messages: MessageRoutes;
  private readonly loopback: Loopback;
  private readonly dials: Dials;
  private readonly listeners = new Set<(event: PeerEvent) => void>();
  private readonly pendingDials = new PendingDials();
  private readonly refusals = new Refusals();
  private readonly counters = new MeshCounters();

  constructor(
    private readonly settings: PeerageSettings,
    parts: PeerMeshParts,
  ) {
    this.parts = { ...DEFAULT_PARTS, ...parts };
    this.clock = this.parts.clock;
    this.messages = new MessageRoutes(settings.limits, this.clock);
    this.links = new MeshLinks(this.clock, {
      isOpen: () => this.state === 'running',
      newLink: () => this.runner!.core.newLink(),
      input: (input) => this.input(input),
      message: (id, link, kind, body, bytes) => this.messages.arrived(id, link, kind, body, bytes),
      window: (id, bytes) => this.messages.window(id, bytes),
      gone: (id) => this.messages.linkClosed(id),
      refused: (address, code, message) => this.refused(address, code, message),
    });
    this.dials = new Dials(parts.transport, {
      taken: (link, id) => this.links.take(link, id),
      input: (input) => this.input(input),
    });
    this.node = new OwnNode(settings, parts.ownAddresses, this.parts.warn, (change) => {
      if (this.state === 'running') this.input({ type: 'changeSelf', change });
    });
    this.loopback = new Loopback(this.self.bootId, settings.limits, this.clock, this.parts.defer);
  }

  get self(): NodeInfo {
    return this.node.info;
  }

  get peers(): readonly Peer[] {
    return this.core?.peers() ?? [];
  }

  waitingBytes(bootId?: string): number {
    return this.messages.waitingBytes(bootId);
  }

  get isDialling(): boolean {
    return this.core?.isDialling ?? false;
  }

  get heardPeers(): number {
    return this.core?.heardPeers(this.clock.now()) ?? 0;
  }

  metBlank(bootId: string): boolean {
    return this.core?.metBlank(bootId) ?? false;
  }

  notBlank(): void {
    if (this.isBlank) this.input({ type: 'notBlank' });
    this.isBlank = false;
  }

  prepare(): void {
    if (this.prober || this.isStopped()) return;
    this.prober = this.parts.startProber({
      bootId: this.self.bootId,
      key: this.probeKey,
      bind: this.settings.bind,
      answered: (bootId, lagMs, ageMs) => this.input({ type: 'probed', bootId, lagMs, ageMs }),
      unheard: (bootId, silentMs) => this.input({ type: 'unheard', bootId, silentMs }),
      probedBy: (bootId) => this.input({ type: 'probedBy', bootId }),
      unsent: (bootId, code) => this.input({ type: 'unsent', bootId, code }),
      answering: (isSo) => this.input({ type: 'answersProbes', isSo }),
    });
  }

  async start(): Promise<void> {
    if (this.state !== 'new') throw notRunning('start() was called before');
    this.prepare();
    this.state = 'starting';
    const listening = await inRootContext(() =>
      this.parts.transport.listen({
        accepted: (link) => this.links.accept(link),
        refused: (address, code, message) => this.refused(address, code, message),
      }),
    );
    if (this.isStopped()) return;
    await openWithin(this.prober!, listening.port, this.clock);
    if (this.isStopped()) return;
    this.listening = listening;
    this.node.listensOn(listening.port);
    this.runner = this.startRunner(listening.port);
    this.state = 'running';
    this.stopWatchingAddress = this.node.watchAddress(this.clock);
    for (const input of this.early.splice(0)) this.input(input);
    this.links.admit();
  }

  async drain(): Promise<void> {
    if (this.state !== 'running') return;
    this.telling ??= new Promise((resolve) => (this.toldAll = resolve));
    this.input({ type: 'drain' });
    await this.telling;
  }

  stop(): Promise<void> {
    this.stopping ??= this.close();
    return this.stopping;
  }

  async found(names: readonly string[], { provider, as }: FoundSource): Promise<FoundResult[]> {
    if (as === 'answer') this.node.listed(names);
    if (this.state !== 'running') return names.map((name) => ({ name, result: 'pending' }));
    this.input({ type: 'found', provider, names, as });
    return Promise.all(names.map((name) => this.outcome(name)));
  }

  async connect(name: string): Promise<Peer> {
    if (this.state !== 'running') throw notRunning('connect() needs a running node');
    const canonical = canonicalName(name);
    this.input({ type: 'connect', name: canonical });
    const outcome = await this.outcome(canonical);
    if (outcome.result === 'connected') return this.peerUp(outcome.bootId);
    throw notConnected(canonical, outcome);
  }

  async disconnect(name: string): Promise<void> {
    const canonical = canonicalName(name);
    if (this.state === 'running') this.input({ type: 'disconnect', name: canonical });
  }

  addressTaken(ours: string): void {
    this.node.addressTaken(ours);
  }

  setMeta(meta: Readonly<Record<string, unknown>>): void {
    this.node.setMeta(meta);
  }

  explain(name?: string): MeshExplanation {
    const nowMs = this.clock.now();
    const canonical = name === undefined ? undefined : canonicalName(name);
    return {
      self: this.self,
      cluster: this.settings.cluster,
      ...(this.listening && { listening: this.listening }),
      security: this.settings.security.kind,
      names: this.core?.explain(nowMs, canonical) ?? [],
      refused: this.refusals.list(nowMs),
      notes: [...this.node.bindNotes, ...this.troubles()],
    };
  }

  troubles(): string[] {
    return [...this.node.notes, ...(this.core?.notes() ?? []), ...(this.prober?.notes ?? [])];
  }

  stats(): MeshStats {
    const probes = this.core?.probeCounts() ?? NO_PROBES;
    return { ...this.counters.snapshot(), ...this.messages.stats(), probes };
  }

  post(bootId: string, kind: number, body: readonly unknown[], lane?: string): PostResult {
    if (bootId === this.self.bootId) return this.loopback.post(kind, body);
    return this.messages.post(bootId, kind, body, lane);
  }

  hand(bootId: string, kind: number, body: readonly unknown[], lane?: string): HandResult {
    if (bootId !== this.self.bootId) return this.messages.hand(bootId, kind, body, lane);
    return this.loopback.post(kind, body) === 'full' ? 'full' : Promise.resolve();
  }

  waitingRequests(bootId: string): readonly number[] | undefined {
    return (bootId === this.self.bootId ? this.loopback : this.messages).waitingRequests(bootId);
  }

  postAll(kind: number, body: readonly unknown[], lane?: string): PostAllResult {
    return this.messages.postAll(kind, body, lane);
  }

  copy(kind: number, body: unknown, maxBytes?: number): unknown {
    return this.loopback.copy(kind, body, maxBytes);
  }

  receive(taker: MessageTaker, lost?: MessageLoss, dropped?: MessagesDropped): void {
    this.loopback.taker = taker;
    this.messages.receive(taker, lost, dropped);
  }

  subscribe(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private isStopped(): boolean {
    return this.state === 'stopped';
  }

  private async close(): Promise<void> {
    if (this.state === 'running') this.input({ type: 'stop' });
    this.state = 'stopped';
    this.toldAll();
    this.warnOfLoss();
    this.messages.stop(new PeerageError('NOT_RUNNING', 'This node has stopped.'));
    this.runner?.stop();
    this.stopWatchingAddress();
    this.dials.end();
    this.pendingDials.settleAll({ result: 'failed', code: 'ABORTED', message: 'the node is shutting down' });
    await Promise.all([this.parts.transport.close(), this.prober?.close()]);
  }

  private warnOfLoss(): void {
    const bytes = this.messages.waitingBytes();
    if (bytes === 0) return;
    this.parts.warn(
      `This node stops while ${bytes} bytes of messages wait for peers that take them too slowly: they are lost. Give shutdown.drainMs more time, or let handlers there be faster.`,
    );
  }

  private get core(): Membership | undefined {
    return this.runner?.core;
  }

  private input(input: Input): void {
    if (this.runner) this.runner.input(input);
    else this.early.push(input);
  }

  private startRunner(listenPort: number): MembershipRunner {
    const config = {
      self: this.self,
      cluster: this.settings.cluster,
      heartbeat: this.settings.heartbeat,
      limits: this.settings.limits,
      probeKey: this.probeKey,
      originMs: dateMs(this.clock) - this.clock.now(),
      random: this.parts.random,
    };
    const performer = new DirectivePerformer({
      node: this.node,
      dials: this.dials,
      links: this.links,
      messages: this.messages,
      pendingDials: this.pendingDials,
      counters: this.counters,
      prober: this.prober!,
      listenPort,
      input: (input) => this.input(input),
      emit: (event) => this.emit(event),
    });
    return new MembershipRunner(config, this.clock, {
      perform: (directive) => performer.perform(directive),
      settled: () => {
        if (this.telling && this.core?.allKnowOurLeaving) this.toldAll();
      },
      link: (id) => this.links.get(id),
      fault: this.parts.fault,
    });
  }

  private refused(address: string, code: PeerageError['code'], message: string): void {
    if (this.state !== 'running') return;
    const { loop } = this.parts;
    const own = loop && ownFault(code, loop, 2 * this.settings.limits.handshakeMs);
    this.emit({ type: 'peer.refused', address, code, message: own ?? message, direction: 'inbound' });
  }

  private emit(event: PeerEvent): void {
    if (event.type === 'peer.refused') this.refusals.add(event, this.clock.now());
    if (event.type === 'peer.refused' && event.code === 'NAME_TAKEN') this.node.taken(event.address);
    if (event.type === 'peer.up') this.pendingDials.resolvePeer(event.peer);
    if (event.type === 'peer.down') this.peerDown(event.peer, event.reason);
    for (const listener of this.listeners) listener(event);
  }

  private peerDown(peer: Peer, reason: DownReason): void {
    this.messages.peerDown(peer.bootId, peerGone(peer, reason), reason === 'left' ? peer : undefined);
  }

  /** How a found name fares: at once when that is known, else when its attempt ends. */
  private async outcome(name: string): Promise<FoundResult> {
    const standing = this.core!.standing(name);
    switch (standing.state) {
      case 'dialling':
        return { name, ...(await this.pendingDials.settled(addressOf(name))) };
      case 'peer':
        return { name, result: 'connected', bootId: standing.bootId };
      default:
        return { name, result: standing.state };
    }
  }

  /** The peer of a connected attempt: here already, or a handshake away. */
  private async peerUp(bootId: string): Promise<Peer> {
    const peer = this.peers.find((each) => each.bootId === bootId);
    return peer ?? this.pendingDials.peerUp(bootId, this.clock, this.settings.limits.handshakeMs);
  }
}

function notRunning(what: string): PeerageError {
  return new PeerageError('NOT_RUNNING', `${what}; wait for the app's onApplicationBootstrap.`);
}

function peerGone({ name }: Peer, reason: DownReason): PeerageError {
  return new PeerageError('PEER_GONE', `${name} went down (${reason}) before it was sent to.`);
}
