import { randomBytes } from 'node:crypto';
import { PeerageError } from '../errors/peerage-error.js';
import type { DownReason, Peer, PeerEvent } from '../membership/events.js';
import type { MeshExplanation } from '../membership/explanation.js';
import { Membership } from '../membership/membership.js';
import type { Directive, Input, LinkId, SelfChange } from '../membership/membership.types.js';
import { type ControlFrame, FrameKind } from '../wire/messages.js';
import type { NodeInfo } from '../naming/node-info.js';
import { addressOf, canonicalName, parseHostPort } from '../naming/node-name.js';
import type { PeerageSettings } from '../peerage.options.js';
import { PendingDials, notConnected } from './pending-dials.js';
import { type Clock, dateMs, every, systemClock } from '../time/clock.js';
import { inRootContext } from '../time/root-context.js';
import { controlToWire, PROBE_KEY_BYTES } from '../wire/control-frames.js';
import { faultOf } from './fault.js';
import { falseAlarms, type FalseAlarm } from './false-alarms.js';
import type {
  FoundResult,
  FoundSource,
  Mesh,
  MessageLoss,
  MessageTaker,
  PostAllResult,
  PostResult,
} from './mesh.js';
import { type MeshStats, MeshCounters } from './mesh-stats.js';
import { Loopback } from './loopback.js';
import { MessageRoutes } from './message-routes.js';
import type { Prober, ProberOptions } from './probes/prober.js';
import { Dials } from './dials.js';
import { atHost, hostsAt, ownName } from './own-name.js';
import { noProber, openWithin } from './prober-start.js';
import { MeshLinks } from './mesh-links.js';
import type { PeerMeshParts } from './peer-mesh.parts.js';
import { ownFault, Refusals } from './refusals.js';
import { type HostChange, ToldHost } from './told-host.js';
import type { Transport } from './transport/transport.js';

/** Whether the told address is still one of this machine is looked at this often. */
const LOOK_AGAIN_MS = 5_000;

/** A full mesh of direct connections: does what the membership core says, over a transport. */
export class PeerMesh implements Mesh {
  private node: NodeInfo;
  private membership: Membership | undefined;
  private state: 'new' | 'starting' | 'running' | 'stopped' = 'new';
  private stopping: Promise<void> | undefined;
  private toldAll: () => void = () => {};
  private telling: Promise<void> | undefined;
  private listening: { host: string; port: number } | undefined;
  private readonly probeKey = randomBytes(PROBE_KEY_BYTES);
  private prober: Prober | undefined;
  private answersProbes = false;
  private readonly startProber: (options: ProberOptions) => Prober;
  private readonly warn: (message: string) => void;
  private readonly fault: (error: unknown) => void;
  private readonly toldHost: ToldHost | undefined;
  private stopLooking: () => void = () => {};
  private readonly transport: Transport;
  private readonly loop: PeerMeshParts['loop'];
  private readonly clock: Clock;
  private readonly random: () => number;
  private readonly links: MeshLinks;
  private readonly messages: MessageRoutes;
  private readonly loopback: Loopback;
  private readonly dials: Dials;
  private readonly listeners = new Set<(event: PeerEvent) => void>();
  private readonly pendingDials = new PendingDials();
  private readonly refusals = new Refusals();
  private readonly counters = new MeshCounters();
  private readonly inputs: Input[] = [];
  private isHandling = false;
  private cancelWake: () => void = () => {};

  constructor(
    private readonly settings: PeerageSettings,
    {
      transport,
      clock = systemClock,
      random = Math.random,
      startProber = noProber,
      ownAddresses,
      warn = () => {},
      fault = rethrow,
      defer = setImmediate,
      loop,
    }: PeerMeshParts,
  ) {
    this.startProber = startProber;
    this.warn = warn;
    this.fault = fault;
    if (ownAddresses) this.toldHost = new ToldHost(settings.host, ownAddresses, !settings.hostIsDetected);
    this.transport = transport;
    this.loop = loop;
    this.clock = clock;
    this.random = random;
    this.messages = new MessageRoutes(settings.limits, this.clock);
    this.links = new MeshLinks(this.clock, {
      isOpen: () => this.state === 'running',
      newLink: () => this.membership!.newLink(),
      input: (input) => this.input(input),
      message: (id, link, kind, body, bytes) => this.messages.arrived(id, link, kind, body, bytes),
      window: (id, bytes) => this.messages.window(id, bytes),
      gone: (id) => this.messages.linkClosed(id),
      refused: (address, code, message) => this.refused(address, code, message),
    });
    this.dials = new Dials(transport, {
      taken: (link, id) => this.links.take(link, id),
      input: (input) => this.input(input),
    });
    const bootId = randomBytes(16).toString('hex');
    this.loopback = new Loopback(bootId, settings.limits, this.clock, defer);
    this.node = { ...ownName(settings, settings.port), bootId, meta: settings.meta };
  }

  get self(): NodeInfo {
    return this.node;
  }

  get peers(): readonly Peer[] {
    return this.membership?.peers() ?? [];
  }

  get waitingBytes(): number {
    return this.messages.waitingBytes;
  }

  get isDialling(): boolean {
    return this.membership?.isDialling ?? false;
  }

  get heardPeers(): number {
    return this.membership?.heardPeers(this.clock.now()) ?? 0;
  }

  prepare(): void {
    if (this.prober || this.isStopped()) return;
    this.prober = this.startProber({
      bootId: this.node.bootId,
      key: this.probeKey,
      bind: this.settings.bind,
      answered: (bootId, lagMs, ageMs) => this.input({ type: 'probed', bootId, lagMs, ageMs }),
      unheard: (bootId, silentMs) => this.input({ type: 'unheard', bootId, silentMs }),
      probedBy: (bootId) => this.input({ type: 'probedBy', bootId }),
      unsent: (bootId, code) => this.input({ type: 'unsent', bootId, code }),
      answering: (isSo) => this.answering(isSo),
    });
  }

  async start(): Promise<void> {
    if (this.state !== 'new') throw notRunning('start() was called before');
    this.prepare();
    this.state = 'starting';
    const listening = await inRootContext(() =>
      this.transport.listen({
        accepted: (link) => this.links.accept(link),
        refused: (address, code, message) => this.refused(address, code, message),
      }),
    );
    if (this.isStopped()) return;
    await openWithin(this.prober!, listening.port, this.clock);
    if (this.isStopped()) return;
    this.listening = listening;
    this.node = { ...this.node, ...ownName(this.settings, listening.port) };
    this.membership = new Membership({
      self: this.node,
      cluster: this.settings.cluster,
      heartbeat: this.settings.heartbeat,
      limits: this.settings.limits,
      probeKey: this.probeKey,
      originMs: dateMs(this.clock) - this.clock.now(),
      random: this.random,
    });
    this.state = 'running';
    if (this.toldHost && this.settings.hostIsDetected) {
      this.stopLooking = every(this.clock, LOOK_AGAIN_MS, () => this.tell(this.toldHost?.lookAgain()));
    }
    this.input({ type: 'answersProbes', isSo: this.answersProbes });
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
    if (as === 'answer') this.tell(this.toldHost?.listed(hostsAt(names, this.node.port)));
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

  setMeta(meta: Readonly<Record<string, unknown>>): void {
    this.changeSelf({ meta });
  }

  explain(name?: string): MeshExplanation {
    const nowMs = this.clock.now();
    const canonical = name === undefined ? undefined : canonicalName(name);
    return {
      self: this.node,
      cluster: this.settings.cluster,
      ...(this.listening && { listening: this.listening }),
      security: this.settings.security.kind,
      names: this.membership?.explain(nowMs, canonical) ?? [],
      refused: this.refusals.list(nowMs),
      notes: [...this.reachNotes(), ...this.troubles()],
    };
  }

  troubles(): string[] {
    return [
      ...(this.toldHost?.notes ?? []),
      ...(this.membership?.notes() ?? []),
      ...(this.prober?.notes ?? []),
    ];
  }

  stats(): MeshStats {
    return { ...this.counters.snapshot(), ...this.messages.stats() };
  }

  post(bootId: string, kind: number, body: readonly unknown[], lane?: string): PostResult {
    if (bootId === this.node.bootId) return this.loopback.post(kind, body);
    return this.messages.post(bootId, kind, body, lane);
  }

  hand(
    bootId: string,
    kind: number,
    body: readonly unknown[],
    lane?: string,
  ): Promise<void> | 'full' | 'gone' {
    if (bootId !== this.node.bootId) return this.messages.hand(bootId, kind, body, lane);
    return this.loopback.post(kind, body) === 'full' ? 'full' : Promise.resolve();
  }

  postAll(kind: number, body: readonly unknown[], lane?: string): PostAllResult {
    return this.messages.postAll(kind, body, lane);
  }

  copy(kind: number, body: unknown, maxBytes?: number): unknown {
    return this.loopback.copy(kind, body, maxBytes);
  }

  receive(taker: MessageTaker, lost?: MessageLoss): void {
    this.loopback.taker = taker;
    this.messages.receive(taker, lost);
  }

  subscribe(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private answering(isSo: boolean): void {
    this.answersProbes = isSo;
    if (this.state === 'running') this.input({ type: 'answersProbes', isSo });
  }

  private changeSelf(change: SelfChange): void {
    this.node = { ...this.node, ...change };
    if (this.state === 'running') this.input({ type: 'changeSelf', change });
  }

  /** Where another node says that it is, we may find ourselves: that is no proof. */
  private reach({ address, host, port }: Extract<Directive, { type: 'reach' }>): void {
    if (port === this.listening?.port && this.toldHost?.isHere(host))
      this.input({ type: 'unreached', address, code: 'SELF' });
    else void this.dials.reach(address, host, port);
  }

  private outOfReach(id: LinkId): void {
    const link = this.links.get(id);
    if (link) this.tell(this.toldHost?.unreached(parseHostPort(link.remoteAddress).host));
  }

  /** Peers are told another address of this machine from now on. */
  private tell(change: HostChange | undefined): void {
    if (!change) return;
    const before = this.node.name;
    this.changeSelf(atHost(this.node, change.host));
    this.warn(
      `This node is ${this.node.name} from now on, it was ${before}: ${change.because}. Give host, or PEERAGE_HOST, to say which address peers should dial.`,
    );
  }

  private reachNotes(): string[] {
    const { security, bind } = this.settings;
    if (security.kind !== 'none' || bind === undefined) return [];
    return [
      `Without a secret this node listens on ${bind} only: nodes on other machines cannot reach it. Set the same \`secret\` on all.`,
    ];
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
    this.cancelWake();
    this.stopLooking();
    this.dials.end();
    this.pendingDials.settleAll({ result: 'failed', code: 'ABORTED', message: 'the node is shutting down' });
    await Promise.all([this.transport.close(), this.prober?.close()]);
  }

  private warnOfLoss(): void {
    const { waitingBytes } = this.messages;
    if (waitingBytes === 0) return;
    this.warn(
      `This node stops while ${waitingBytes} bytes of messages wait for peers that take them too slowly: they are lost. Give shutdown.drainMs more time, or let handlers there be faster.`,
    );
  }

  /** Inputs are handled one after the other, also those that a listener causes while one is being handled. */
  private input(input: Input): void {
    this.inputs.push(input);
    if (this.isHandling) return;
    this.isHandling = true;
    inRootContext(() => this.handleAll());
  }

  private handleAll(): void {
    try {
      for (let next = this.inputs.shift(); next; next = this.inputs.shift()) {
        if (this.isStopped()) continue;
        this.handle(next);
      }
      if (this.telling && this.membership!.allKnowOurLeaving) this.toldAll();
    } finally {
      this.isHandling = false;
    }
  }

  /** What a link brings harms that link, and nothing else. */
  private handle(input: Input): void {
    const errors: unknown[] = [];
    const attempt = <T>(act: () => T): T | undefined => {
      try {
        return act();
      } catch (error) {
        errors.push(error);
        return undefined;
      }
    };
    const directives = attempt(() => this.membership!.handle(input, this.clock.now())) ?? [];
    for (const directive of directives) attempt(() => this.perform(directive));
    if (errors.length === 0) return;
    const link = 'link' in input ? this.links.get(input.link) : undefined;
    if (link) link.destroy(faultOf(errors[0]));
    else this.fault(errors[0]);
  }

  private perform(directive: Directive): void {
    switch (directive.type) {
      case 'dial':
        void this.dials.dial(directive.link, directive.host, directive.port);
        return;
      case 'reach':
        return this.reach(directive);
      case 'send': {
        const { link, frame } = directive;
        if (frame.kind === 'leave') this.links.get(link)?.unload();
        this.links.get(link)?.send(FrameKind[frame.kind], controlToWire(frame), urgencyOf(frame));
        return;
      }
      case 'established':
        this.links.get(directive.link)?.established();
        return;
      case 'close':
        this.dials.abort(directive.link);
        if (directive.drain) this.messages.linkEnds(directive.link);
        return this.links.close(directive.link, directive.drain);
      case 'outOfReach':
        return this.outOfReach(directive.link);
      case 'attempt':
        this.counters.attempt(directive.result);
        return this.pendingDials.settle(directive.address, directive.result);
      case 'emit':
        return this.emit(directive.event);
      case 'falseAlarm': {
        const { bootId, count } = directive;
        this.counters.falseAlarm();
        return falseAlarms.publish({ self: this.node, bootId, count } satisfies FalseAlarm);
      }
      case 'roundTrip':
        return this.counters.roundTrip(this.node, directive.ms);
      case 'wakeAt':
        return this.wakeAt(directive.atMs);
      case 'probe':
        return this.prober?.probe(directive);
      case 'route':
        return this.route(directive);
    }
  }

  private route(directive: Extract<Directive, { type: 'route' }>): void {
    const { bootId, link: id } = directive;
    const link = id === undefined ? undefined : this.links.get(id);
    if (id === undefined || !link) this.messages.unroute(bootId);
    else this.messages.route(bootId, id, link, directive.limits);
  }

  private refused(address: string, code: PeerageError['code'], message: string): void {
    if (this.state !== 'running') return;
    const own = this.loop && ownFault(code, this.loop, 2 * this.settings.limits.handshakeMs);
    this.emit({ type: 'peer.refused', address, code, message: own ?? message, direction: 'inbound' });
  }

  private emit(event: PeerEvent): void {
    if (event.type === 'peer.refused') this.refusals.add(event, this.clock.now());
    if (event.type === 'peer.refused' && event.code === 'NAME_TAKEN')
      this.tell(this.toldHost?.taken(parseHostPort(event.address).host));
    if (event.type === 'peer.up') this.pendingDials.resolvePeer(event.peer);
    if (event.type === 'peer.down') this.peerDown(event.peer, event.reason);
    for (const listener of this.listeners) listener(event);
  }

  private peerDown(peer: Peer, reason: DownReason): void {
    this.messages.peerDown(peer.bootId, peerGone(peer, reason), reason === 'left' ? peer : undefined);
  }

  private wakeAt(atMs: number): void {
    this.cancelWake();
    const waitMs = Math.max(0, atMs - this.clock.now());
    this.cancelWake = this.clock.after(waitMs, () => this.input({ type: 'wake' }));
  }

  /** How a found name fares: at once when that is known, else when its attempt ends. */
  private async outcome(name: string): Promise<FoundResult> {
    const standing = this.membership!.standing(name);
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

/** A beat is urgent, and replaces one that could not be sent yet; unless only that one asks for an answer. */
function urgencyOf({ kind, body }: ControlFrame): string | undefined {
  return kind === 'beat' ? `beat ${body.now ?? false}` : undefined;
}

function rethrow(error: unknown): never {
  throw error;
}

function notRunning(what: string): PeerageError {
  return new PeerageError('NOT_RUNNING', `${what}; wait for the app's onApplicationBootstrap.`);
}

function peerGone({ name }: Peer, reason: DownReason): PeerageError {
  return new PeerageError('PEER_GONE', `${name} went down (${reason}) before it was sent to.`);
}
