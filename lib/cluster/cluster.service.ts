import { Inject, Injectable } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { PeerageDiscovery } from '../discovery/peerage.discovery.js';
import { PeerageError } from '../errors/peerage-error.js';
import { shown } from '../errors/thrown.js';
import type { Peer } from '../membership/events.js';
import type { Clock } from '../time/clock.js';
import { isTimerMs } from '../time/waiting.js';
import type { Mesh } from '../mesh/mesh.js';
import type {
  BroadcastResult,
  MessageHandler,
  Recipient,
  RequestOptions,
} from '../messaging/message.types.js';
import { Messaging } from '../messaging/messaging.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { KeySpace } from '../ownership/key-space.js';
import { Ownership } from '../ownership/ownership.service.js';
import type { OwnerOptions } from '../ownership/ownership.service.js';
import { canonicalName, nameOrUndefined } from '../naming/node-name.js';
import { Faults } from '../settings/faults.js';
import { checkMeta, copyMeta } from '../settings/meta.js';
import type { PresenceSpace } from '../presence/presence.space.js';
import { Presence } from '../presence/presence.service.js';
import { PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { assertEventType, assertFunction } from './event-types.js';
import type { OnceOptions, OnceResult, RunEvent, RunTotals } from '../runs/run.events.js';
import { RunsExplorer } from '../runs/runs.explorer.js';
import { RunsService } from '../runs/runs.service.js';
import type { ClusterEvent, ClusterEventOf, ClusterEventType, PollReport } from './cluster.events.js';
import { ClusterExplorer } from './cluster.explorer.js';
import { ClusterOrchestrator } from './cluster.orchestrator.js';
import type { Explanation } from './explanation.js';
import type { ClusterStats } from './cluster-stats.js';
import { ClusterReports } from './cluster.reports.js';
import { EventHub } from './event-hub.js';
import { NodeState } from './node-state.js';
import type { WaitOptions } from './wait-for-peers.js';
import { waitForPeers } from './wait-for-peers.js';

/** Those that the constructor made: no stand-in is among them. */
const real = new WeakSet();

/**
 * The cluster as this node sees it. Inject it anywhere: the module is global.
 *
 * @publicApi
 */
@Injectable()
export class ClusterService {
  /** The peers whenever they change, the current ones first. Completes on shutdown. */
  readonly peers$: Observable<readonly Peer[]>;
  /** Everything that happens from now on. Completes on shutdown. */
  readonly events$: Observable<ClusterEvent>;
  /** @internal */
  readonly clock: Clock;
  /** @internal */
  readonly drainMs: number;

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    private readonly hub: EventHub,
    private readonly discovery: PeerageDiscovery,
    /** @internal */
    readonly state: NodeState,
    /** @internal */
    readonly messaging: Messaging,
    @Inject(PEERAGE_CLOCK) clock: Clock,
    @Inject(PEERAGE_SETTINGS) settings: PeerageSettings,
    private readonly explorer: ClusterExplorer,
    private readonly orchestrator: ClusterOrchestrator,
    private readonly ownership: Ownership,
    /** @internal */
    readonly presences: Presence,
    private readonly reports: ClusterReports,
    private readonly runs: RunsService,
    private readonly runsExplorer: RunsExplorer,
  ) {
    real.add(this);
    this.clock = clock;
    this.drainMs = settings.shutdown.drainMs;
    this.peers$ = hub.peers$;
    this.events$ = hub.events$;
  }

  /**
   * Whether it is no stand-in that a test put in its place.
   *
   * @internal
   */
  static isReal(cluster: object): boolean {
    return real.has(cluster);
  }

  /** This node. Its name is final once the app has bootstrapped: the port may be a free one. */
  get self(): NodeInfo {
    return this.mesh.self;
  }

  /** The other nodes that are connected and authenticated, sorted by name. A snapshot. */
  get peers(): readonly Peer[] {
    return this.mesh.peers;
  }

  /**
   * Resolves when this node has found the others: all providers were asked, all that they named was dialled, and
   * the peers have told what they share; or, alone, after `ownership.settleMs`. Before, it owns nothing. Rejects with
   * `ABORTED` when it ends earlier.
   */
  get settled(): Promise<void> {
    return this.ownership.settled;
  }

  /** Whether `settled` has resolved, and this node does not shut down. @internal */
  get isSettled(): boolean {
    return this.ownership.isSettled;
  }

  /**
   * Keys that are shared out among the nodes which ask for the same name: `keys('rooms').hold(key, …)` runs on the
   * owner of the key alone. This node counts from now on.
   *
   * @throws PeerageError `INVALID_MESSAGE` when the name has not 1 to 255 characters
   */
  keys(name: string): KeySpace {
    return this.ownership.keys(name);
  }

  /**
   * The node that coordinates, by what this node sees: the owner of one fixed key. Undefined while nobody does: without
   * a majority, when there is `quorum`, and when this node has found nobody yet.
   */
  get coordinator(): NodeInfo | undefined {
    return this.ownership.coordinator;
  }

  /** The coordinator whenever it is another node, the current one first. Completes on shutdown. */
  get coordinator$(): Observable<NodeInfo | undefined> {
    return this.ownership.coordinator$;
  }

  /**
   * Whether this node coordinates, as far as it sees. What does the work is better an {@link OnCoordinator} method: it
   * is told when to end, and begins when the one before has had time to.
   */
  get isCoordinator(): boolean {
    return this.ownership.isCoordinator;
  }

  /** Whether more than half of the `quorum.of` nodes are here, counted by whom this node has heard of late. True without `quorum`. */
  get hasQuorum(): boolean {
    return this.ownership.hasQuorum;
  }

  /**
   * What nodes tell all others that they have: users in rooms, open files, jobs. Each entry belongs to the node that
   * tracked it, and goes with it.
   *
   * @param name 1 to 255 characters; those that begin with `$` are the library's own
   * @throws PeerageError `INVALID_MESSAGE` for another name
   */
  presence<T = unknown>(name: string): PresenceSpace<T> {
    const space = this.presences.of<T>(name);
    if (name.startsWith('$'))
      throw new PeerageError('INVALID_MESSAGE', `presence(${JSON.stringify(name)}): names with $ are taken.`);
    return space;
  }

  /**
   * The node that owns a key, by what this node sees: rendezvous hashing of the key and the names of the live nodes.
   * It is the one that `client.to({ key })` of microservices reaches when all nodes have the pattern.
   * Nodes that shut down own nothing. When a node comes or goes, only its share of the keys moves.
   *
   * @returns with `among`: undefined when no such node lives
   */
  ownerOf(key: string): NodeInfo;
  ownerOf(key: string, options: OwnerOptions): NodeInfo | undefined;
  ownerOf(key: string, options: OwnerOptions = {}): NodeInfo | undefined {
    return this.ownership.ownerOf(key, options);
  }

  /**
   * Whether this node owns a key. Never before it has {@link settled}, and never once it shuts down. While the network
   * is split, each side has its owner; and while news of a node is under way two nodes may say so for a moment.
   */
  owns(key: string, options: OwnerOptions = {}): boolean {
    return this.ownership.owns(key, options);
  }

  /**
   * Runs `run` on one node of those that ask for the same key at about the same time: a migration, a webhook that may
   * be delivered twice. Waits until this node has found the others. A call that finds the key taken resolves when that
   * run has ended; when it failed, one of those that wait runs theirs. While the network is split each side runs it.
   *
   * @returns what `run` returned, or who ran it
   * @throws what `run` throws
   * @throws PeerageError `INVALID_OPTIONS`, `NOT_RUNNING`
   */
  async once<T>(key: string, run: () => T | Promise<T>, options: OnceOptions): Promise<OnceResult<T>> {
    if (this.state.isStopped) throw this.state.problemWith('once()')!;
    return this.runs.once(key, run, options);
  }

  /** What becomes of the runs of `@RunOnce()` and `once()`, as this node sees it. Completes on shutdown. */
  get runs$(): Observable<RunEvent> {
    return this.runs.runs$;
  }

  /** How many runs started, finished, were skipped and doubled here since the start. */
  get runTotals(): RunTotals {
    return this.runs.totals;
  }

  /**
   * Calls `listener` with every event of one type. What it throws is logged and harms nobody.
   *
   * @returns the function that ends it.
   * @throws PeerageError `INVALID_OPTIONS` when there is no such event
   */
  on<T extends ClusterEventType>(type: T, listener: (event: ClusterEventOf<T>) => unknown): () => void {
    assertEventType(type, 'on()');
    assertFunction(listener, `on('${type}')`);
    return this.hub.on(type, listener);
  }

  /** The peer of that name or boot id, if there is one now. */
  peer(nameOrBootId: string): Peer | undefined {
    const name = nameOrBootId.includes('@') ? nameOrUndefined(nameOrBootId) : undefined;
    return this.peers.find((peer) => peer.name === name || peer.bootId === nameOrBootId);
  }

  /**
   * Connects to a node now, whether a provider knows it or not, and whatever came of earlier attempts.
   *
   * @throws PeerageError `INVALID_NAME`, `NOT_RUNNING`, `SELF`, or the code of the attempt:
   * `CONNECTION_REFUSED`, `DIAL_TIMEOUT`, `WRONG_SECRET`, `WRONG_CLUSTER`…
   */
  async connect(name: string): Promise<Peer> {
    this.state.assertRunning('connect()');
    return this.mesh.connect(canonicalName(name));
  }

  /**
   * Ends the connection to a node. It stays disconnected until `connect()`, or until another process answers
   * at its name.
   *
   * @throws PeerageError `INVALID_NAME`, `NOT_RUNNING`
   */
  async disconnect(name: string): Promise<void> {
    this.state.assertRunning('disconnect()');
    return this.mesh.disconnect(canonicalName(name));
  }

  /**
   * Asks all providers now. Joins the poll that is under way, if there is one; never rejects because of a
   * provider. The schedule stays as it is: it is the timeout `peerage.poll` of the app's `SchedulerRegistry`,
   * and deleting that ends the scheduled polls.
   *
   * @throws PeerageError `NOT_RUNNING`, or `ABORTED` when the app shuts down meanwhile.
   */
  async poll(): Promise<PollReport> {
    this.state.assertRunning('poll()');
    return this.discovery.poll();
  }

  /**
   * Resolves when there are at least that many peers, self not counted.
   *
   * @throws PeerageError `WAIT_TIMEOUT`, `ABORTED` (by the signal, or by shutdown), `NOT_RUNNING`
   */
  async waitFor(peers: number, options: WaitOptions = {}): Promise<readonly Peer[]> {
    if (!Number.isInteger(peers) || peers < 0)
      throw new PeerageError('INVALID_OPTIONS', `waitFor() takes a number of peers, not ${shown(peers)}.`);
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && !isTimerMs(timeoutMs))
      throw new PeerageError(
        'INVALID_OPTIONS',
        `waitFor(): timeoutMs is a number of milliseconds, not ${shown(timeoutMs)}.`,
      );
    this.state.assertRunning('waitFor()');
    return waitForPeers(this.peers$, peers, options, () => this.explain(), this.clock);
  }

  /**
   * Tells peers other things about this node: plain data, at most 4 KiB as JSON. Replaces what was told
   * before. Peers see `peer.updated`.
   *
   * @throws PeerageError `INVALID_OPTIONS`; `NOT_RUNNING` when this node has stopped
   */
  setMeta(meta: Readonly<Record<string, unknown>>): void {
    if (this.state.isStopped) this.state.assertRunning('setMeta()');
    const faults = new Faults();
    checkMeta(meta, 'meta', faults);
    const [fault] = faults.list;
    if (fault) throw new PeerageError('INVALID_OPTIONS', `setMeta(): ${fault.path}: ${fault.problem}`);
    this.mesh.setMeta(copyMeta(meta));
  }

  /**
   * Sends a message to every peer, not to this node itself. It is encoded once. Before the start, and alone,
   * there is nobody to send it to.
   *
   * @returns to how many it was handed. Whether it arrives, nobody says.
   * @throws PeerageError `INVALID_MESSAGE`; `NOT_RUNNING` when this node has stopped
   */
  broadcast(topic: string, data?: unknown): BroadcastResult {
    return this.messaging.broadcast(topic, data);
  }

  /**
   * Sends a message to one peer. Resolves when the operating system has taken it: it is on its way, and
   * arrives unless the connection or the peer breaks meanwhile. While its connection is dialled again it waits.
   *
   * @throws PeerageError `PEER_GONE`, `NO_SUCH_PEER`, `OVERLOADED` (its queue is full), `INVALID_MESSAGE`,
   * `CONNECTION_LOST` (nobody knows whether it arrives), `SELF`, `INVALID_NAME`, `NOT_RUNNING`
   */
  send(recipient: Recipient, topic: string, data?: unknown): Promise<void> {
    const problem = this.state.problemWith('send()');
    return problem ? Promise.reject(problem) : this.messaging.send(recipient, topic, data);
  }

  /**
   * Sends a message to one peer and waits for what its handler returns.
   *
   * @throws RemoteError when the handler fails
   * @throws PeerageError `REQUEST_TIMEOUT`, `NO_HANDLER`, `AMBIGUOUS_HANDLER`, `ABORTED`, and those of `send()`
   */
  request<T = unknown>(
    recipient: Recipient,
    topic: string,
    data?: unknown,
    options?: RequestOptions,
  ): Promise<T> {
    const problem = this.state.problemWith('request()');
    if (problem) return Promise.reject(problem);
    return this.messaging.request(recipient, topic, data, options) as Promise<T>;
  }

  /**
   * Calls `handler` with the messages that peers send on a topic, as {@link OnClusterMessage} does. What comes
   * before the app has bootstrapped waits until then.
   *
   * @returns the function that ends it.
   * @throws PeerageError `INVALID_MESSAGE` when that is no topic, `INVALID_OPTIONS` when that is no function
   */
  handle<T = unknown>(topic: string, handler: MessageHandler<T>): () => void {
    return this.messaging.handle(topic, handler);
  }

  /**
   * Binds the decorated methods of what the app has got since it started: after `LazyModuleLoader.load()`. Those of
   * all other modules are bound when the app starts.
   */
  bindHandlers(): void {
    this.explorer.explore();
    this.orchestrator.mount();
    this.runsExplorer.explore();
  }

  /** Why a name is, or is not, a peer: who found it, when it was dialled, why it was refused. All names, without one. */
  explain(name?: string): Explanation {
    return this.reports.explain(name);
  }

  /**
   * Everything that this node counts, in one snapshot: peers by status, ups and downs by reason, dials, polls, round
   * trips, messages, queues. For exporters of metrics, health checks and dashboards; also before the start and after
   * the end.
   */
  stats(): ClusterStats {
    return this.reports.stats();
  }
}
