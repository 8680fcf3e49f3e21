import { randomBytes } from 'node:crypto';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import type { DownEvidence, DownReason, Peer, PeerEvent } from '../../../lib/membership/events.js';
import type { MeshExplanation, NameExplanation } from '../../../lib/membership/explanation.js';
import type { FoundResult, FoundSource, Mesh, MeshStats } from '../../../lib/mesh/mesh.js';
import type { NodeInfo } from '../../../lib/naming/node-info.js';
import { compareNames, formatNodeName } from '../../../lib/naming/node-name.js';
import type { PeerageSettings } from '../../../lib/peerage.options.js';

/** Evidence of a peer that went without any drama. */
export const noEvidence: DownEvidence = {
  silentMs: 0,
  countedMs: 0,
  deadlineMs: 4_000,
  multiplier: 1,
  probes: { sent: 0, answered: 0 },
  asked: [],
  ownLagMs: 0,
};

/** Meshes that reach each other within the process, by name. */
export class FakeNetwork {
  readonly running = new Map<string, FakeMesh>();
  private lastPort = 40_000;

  mesh(settings: PeerageSettings): FakeMesh {
    return new FakeMesh(this, settings);
  }

  /** A port that no node of this network has, unless a fixed one is asked for. */
  port(settings: PeerageSettings): number {
    return settings.portIsFixed && settings.port !== 0 ? settings.port : ++this.lastPort;
  }
}

/** An in-process mesh: connects at once to every running node of its cluster that it is told of. */
export class FakeMesh implements Mesh {
  self: NodeInfo;
  /** What was handed to `found`, in order. */
  readonly calls: { names: readonly string[]; source: FoundSource }[] = [];
  /** What `start` waits for. */
  startGate: Promise<unknown> = Promise.resolve();
  /** What `start` rejects with. */
  startError: Error | undefined;
  /** What every attempt waits for. */
  foundGate: Promise<unknown> = Promise.resolve();
  state: 'new' | 'running' | 'stopped' = 'new';
  isDialling = false;
  private readonly others = new Map<string, Peer>();
  private readonly disconnected = new Set<string>();
  private readonly listeners = new Set<(event: PeerEvent) => void>();

  constructor(
    private readonly network: FakeNetwork,
    private readonly settings: PeerageSettings,
  ) {
    const bootId = randomBytes(16).toString('hex');
    this.self = { ...this.address(settings.port), bootId, meta: settings.meta };
  }

  get peers(): readonly Peer[] {
    return [...this.others.values()].sort((a, b) => compareNames(a.name, b.name));
  }

  get heardPeers(): number {
    return this.others.size;
  }

  metBlank(): boolean {
    return false;
  }

  notBlank(): void {}

  prepare(): void {}

  async start(): Promise<void> {
    await this.startGate;
    if (this.startError) throw this.startError;
    if (this.state !== 'new') return;
    this.self = { ...this.self, ...this.address(this.network.port(this.settings)) };
    if (this.network.running.has(this.self.name))
      throw new PeerageError('PORT_IN_USE', `${this.self.port} is taken`);
    this.network.running.set(this.self.name, this);
    this.state = 'running';
  }

  async drain(): Promise<void> {
    for (const { name } of this.peers) this.network.running.get(name)?.hearLeaving(this.self.name);
  }

  async stop(): Promise<void> {
    if (this.state === 'running') this.network.running.delete(this.self.name);
    this.state = 'stopped';
    for (const { name } of this.peers) this.network.running.get(name)?.lose(this.self.name, 'left');
    this.others.clear();
  }

  async found(names: readonly string[], source: FoundSource): Promise<FoundResult[]> {
    this.calls.push({ names, source });
    await this.foundGate;
    return names.map((name) => this.attempt(name));
  }

  async connect(name: string): Promise<Peer> {
    this.disconnected.delete(name);
    const outcome = this.attempt(name);
    const peer = this.others.get(name);
    if (peer) return peer;
    const code = outcome.result === 'failed' ? outcome.code : 'SELF';
    throw new PeerageError(code, `${name} is out of reach`);
  }

  async disconnect(name: string): Promise<void> {
    this.disconnected.add(name);
    this.network.running.get(name)?.lose(this.self.name, 'disconnected');
    this.lose(name, 'disconnected');
  }

  addressTaken(): void {}

  setMeta(meta: Readonly<Record<string, unknown>>): void {
    this.self = { ...this.self, meta };
    for (const { name } of this.peers) this.network.running.get(name)?.update(this.self);
  }

  troubles(): readonly string[] {
    return [];
  }

  stats(): MeshStats {
    const none = { count: 0, bytes: 0 };
    return {
      dials: { connected: 0, failed: {} },
      falseAlarms: 0,
      roundTrips: { bounds: [], counts: [0], count: 0, sum: 0 },
      messages: { sent: none, received: none },
      queues: { sendBytes: 0, receiveBytes: 0 },
      handlers: { running: 0, waiting: 0 },
      probes: { answered: 0, unanswered: 0, oneWay: 0, unsent: 0, untried: 0 },
    };
  }

  explain(name?: string): MeshExplanation {
    const names = name === undefined ? this.peers.map((peer) => peer.name) : [name];
    return {
      self: this.self,
      cluster: this.settings.cluster,
      ...(this.state === 'running' ? { listening: { host: '127.0.0.1', port: this.self.port } } : {}),
      security: this.settings.security.kind,
      names: names.map((one) => this.explainName(one)),
      refused: [],
      notes: [],
    };
  }

  post(): 'gone' {
    return 'gone';
  }

  hand(): 'gone' {
    return 'gone';
  }

  waitingBytes(): number {
    return 0;
  }

  waitingRequests(): undefined {
    return undefined;
  }

  postAll() {
    return { queued: 0, full: [], tooLong: [] };
  }

  copy(_kind: number, body: unknown): unknown {
    return structuredClone(body);
  }

  receive(): void {}

  subscribe(listener: (event: PeerEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Lets an event happen that this mesh has no means to cause. */
  say(event: PeerEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** A peer by itself, without a node behind it. */
  join(name: string): Peer {
    const [, host = ''] = name.split('@');
    const bootId = randomBytes(16).toString('hex');
    return this.gain({ name, bootId, host, port: 1, meta: {} });
  }

  lose(name: string, reason: DownReason): void {
    const peer = this.others.get(name);
    if (!peer) return;
    this.others.delete(name);
    this.say({ type: 'peer.down', peer, reason, evidence: noEvidence });
  }

  private hearLeaving(name: string): void {
    const peer = this.others.get(name);
    if (!peer) return;
    const leaving: Peer = { ...peer, status: 'leaving' };
    this.others.set(name, leaving);
    this.say({ type: 'peer.leaving', peer: leaving });
  }

  private attempt(name: string): FoundResult {
    const other = this.network.running.get(name);
    if (name === this.self.name) return { name, result: 'self' };
    if (this.disconnected.has(name)) return { name, result: 'disconnected' };
    const known = this.others.get(name);
    if (known) return { name, result: 'connected', bootId: known.bootId };
    const refusal = this.refusal(other);
    if (refusal || !other) return { name, result: 'failed', code: refusal!, message: `${name} said no` };
    this.gain(other.self);
    other.gain(this.self);
    return { name, result: 'connected', bootId: other.self.bootId };
  }

  private refusal(other: FakeMesh | undefined) {
    if (this.state !== 'running') return 'ABORTED';
    if (!other) return 'CONNECTION_REFUSED';
    return other.settings.cluster === this.settings.cluster ? undefined : 'WRONG_CLUSTER';
  }

  private gain(info: NodeInfo): Peer {
    const peer: Peer = { ...info, status: 'up', connectedAt: new Date() };
    this.others.set(peer.name, peer);
    this.say({ type: 'peer.up', peer });
    return peer;
  }

  private update(info: NodeInfo): void {
    const previous = this.others.get(info.name);
    if (!previous) return;
    const peer = { ...previous, ...info };
    this.others.set(info.name, peer);
    this.say({ type: 'peer.updated', peer, previous });
  }

  private explainName(name: string): NameExplanation {
    const peer = this.others.get(name);
    return peer
      ? { name, state: 'peer', summary: 'It is a peer.', foundBy: [], peer, failures: 0 }
      : { name, state: 'unknown', summary: 'Nobody told of it.', foundBy: [], failures: 0 };
  }

  private address(listenPort: number): Pick<NodeInfo, 'name' | 'host' | 'port'> {
    const { appName: app, host } = this.settings;
    const parts = this.settings.name ?? { app, host, port: listenPort };
    return { name: formatNodeName(parts), host: parts.host, port: parts.port };
  }
}
