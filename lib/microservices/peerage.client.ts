import { ClientProxy } from '@nestjs/microservices';
import type {
  ClientsProviderAsyncOptions,
  IncomingResponse,
  ReadPacket,
  WritePacket,
} from '@nestjs/microservices';
import { ClusterService } from '../cluster/cluster.service.js';
import { PeerageError, peerageCodeOf } from '../errors/peerage-error.js';
import { assertOptionNames, type OptionNames } from '../naming/option-names.js';
import { SlotMap } from '../messaging/slot-map.js';
import { CODEC_OPTIONS, checkOptions, codecOf } from './peerage.options.js';
import type { PeerageEvents, PeerageTransportOptions } from './peerage.options.js';
import { InOrder } from './in-order.js';
import { type NodeRef, asWritten, copyOf, sendTo } from './local-or-remote.js';
import { type PatternRegistry, patternsOf } from './pattern-registry.js';
import { type FailedTry, Retries } from './retries.js';
import { assertRoute, choose } from './route.js';
import type { Route } from './route.js';
import { TOPICS } from './wire.js';

/**
 * Options of {@link PeerageClient}.
 *
 * @publicApi
 */
export interface PeerageClientOptions extends PeerageTransportOptions {
  /**
   * Where requests go. Events go to all. `client.to()` says otherwise for both.
   *
   * @default 'any'
   */
  readonly requestsTo?: Route | undefined;
  /**
   * How often a request to one node is sent again, to another one where the route allows, when surely no handler has
   * had it: the node has lost the pattern, has stopped serving, or went down before the request had gone out.
   *
   * @default 2
   */
  readonly retries?: number | undefined;
  /**
   * The patterns whose requests may be handled twice without harm, as given to `@MessagePattern()`. They are sent again
   * also when the node went down, or a connection broke, after they had gone out, unless a part of the response has come.
   *
   * @default none
   */
  readonly idempotent?: readonly (string | object)[] | undefined;
}

/** Other nodes that a request is sent to after the first. */
const DEFAULT_RETRIES = 2;

const NAMES: OptionNames<Omit<PeerageClientOptions, 'cluster'>> = {
  requestsTo: true,
  retries: true,
  idempotent: true,
  ...CODEC_OPTIONS,
};

type Callback = (packet: WritePacket) => void;

/** A packet whose pattern is a text, as servers tell theirs. */
type RoutedPacket = ReadPacket & { readonly pattern: string };

/** What a client and the clients that its `to()` makes have in common. */
interface Session {
  ready?: Promise<void> | undefined;
  readonly endings: (() => void)[];
  /** Fails the requests that are under way. */
  readonly pending: SlotMap<(error: Error) => void>;
}

/**
 * Sends requests and events to the nodes that have a handler for them, this node included.
 *
 * Errors of requests: what the handler failed with, as a plain object; or a `PeerageError`: `NO_HANDLER` when no
 * node, or not the one that was asked for, has the pattern; `NO_SUCH_PEER`, `PEER_GONE` when the node goes down,
 * `CONNECTION_LOST`, `OVERLOADED`, `INVALID_MESSAGE`, `ABORTED` when the client is closed, `NOT_RUNNING` when the node
 * has stopped. Before that it is tried elsewhere, when no handler can have had it (see `retries` and `idempotent`).
 * There is no time limit: use `timeout()` of rxjs, which also ends the handler's work.
 *
 * @publicApi
 */
export class PeerageClient extends ClientProxy<PeerageEvents, 'connected' | 'disconnected'> {
  private readonly cluster: ClusterService;
  private readonly patterns: PatternRegistry;
  private readonly session: Session = { endings: [], pending: new SlotMap() };
  private readonly requestsTo: Route;
  private readonly eventsTo: Route;
  private readonly retries: number;
  /** As servers tell them. */
  private readonly idempotent: ReadonlySet<string>;

  /** @throws PeerageError `INVALID_OPTIONS` without a cluster, for options that do not exist, and for a route that is none. */
  constructor(options: PeerageClientOptions) {
    super();
    checkOptions(options, 'PeerageClient', 'peerageClient', NAMES);
    if (options.requestsTo !== undefined) assertRoute(options.requestsTo);
    this.cluster = options.cluster;
    this.patterns = patternsOf(options.cluster);
    this.requestsTo = options.requestsTo ?? 'any';
    this.eventsTo = 'all';
    this.retries = checkRetries(options.retries ?? DEFAULT_RETRIES);
    this.idempotent = new Set(
      (options.idempotent ?? []).map((pattern) => this.normalizePattern(pattern as string)),
    );
    const codec = codecOf(options);
    this.initializeSerializer(codec);
    this.initializeDeserializer(codec);
  }

  /** This client, with another way for requests and events: `client.to({ key: order.id }).send(...)`. */
  to(route: Route): PeerageClient {
    return Object.create(this, { requestsTo: { value: route }, eventsTo: { value: route } }) as PeerageClient;
  }

  /** Resolves when the nodes that are peers now have told their patterns. The first `send` or `emit` does it too. */
  connect(): Promise<void> {
    this.session.ready ??= this.open();
    return this.session.ready;
  }

  /** Fails the requests that are under way with `ABORTED`. The client can be used again. */
  close(): void {
    for (const end of this.session.endings.splice(0)) end();
    if (!this.session.ready) return;
    this.session.ready = undefined;
    for (const [, fail] of [...this.session.pending]) fail(closed());
    this.patterns.release();
    this.tell('disconnected');
  }

  /** The app's shutdown hook. */
  onApplicationShutdown(): void {
    this.close();
  }

  /** Hears events of the cluster, until `close`. */
  override on<E extends keyof PeerageEvents, L extends PeerageEvents[E]>(event: E, listener: L): void {
    this.session.endings.push(this.cluster.on(event, listener));
  }

  /** The `ClusterService`. */
  unwrap<T = ClusterService>(): T {
    return this.cluster as T;
  }

  protected publish(packet: ReadPacket, callback: Callback): () => void {
    const request = this.routed(packet);
    const teardowns: (() => void)[] = [];
    const end = () => {
      for (const teardown of teardowns.splice(0)) teardown();
    };
    const fail = (err: unknown) => {
      end();
      callback({ err });
    };
    const { pending } = this.session;
    const number = pending.add(fail);
    teardowns.push(() => pending.delete(number));
    const start = async () => {
      if (!this.session.ready) throw closed();
      const nodes = await this.nodesFor(request, this.requestsTo, 'staying');
      // Nobody wants the response any more when the teardown has run.
      if (teardowns.length === 0) return;
      if (nodes.length === 0) throw this.noTargetError(request, this.requestsTo);
      const serialised = this.serialised(request, TOPICS.request, nodes);
      if (this.requestsTo !== 'all') {
        teardowns.push(this.askOneOf(nodes[0]!, request, serialised, callback));
        return;
      }
      const each = joined(nodes.length, callback);
      const failed = ({ error }: FailedTry) => each({ err: error });
      for (const node of nodes) teardowns.push(this.ask(node, request, serialised, each, failed));
    };
    start().catch(fail);
    return end;
  }

  protected async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    // What was emitted before the client was closed goes out all the same.
    this.patterns.retain();
    try {
      await this.emitNow(this.routed(packet));
      return undefined as T;
    } finally {
      this.patterns.release();
    }
  }

  private async emitNow(event: RoutedPacket): Promise<void> {
    const { state } = this.cluster;
    if (state.isStopped) throw state.problemWith('emit()')!;
    const nodes = await this.nodesFor(event, this.eventsTo);
    if (nodes.length === 0 && this.eventsTo !== 'all') throw this.noTargetError(event, this.eventsTo);
    const serialised = this.serialised(event, TOPICS.event, nodes);
    const sent = nodes.map((node) => sendTo(this.cluster, node, TOPICS.event, serialised).catch(unlessGone));
    await Promise.all(sent);
  }

  /** Several nodes get the same, or none of them anything. */
  private serialised(packet: RoutedPacket, topic: string, nodes: readonly NodeRef[]): unknown {
    const serialised: unknown = this.serializer.serialize(packet);
    return nodes.length > 1 ? copyOf(this.cluster, topic, serialised) : serialised;
  }

  private async open(): Promise<void> {
    this.patterns.retain();
    await this.patterns.settled();
    if (this.session.ready) this.tell('connected');
  }

  private tell(status: 'connected' | 'disconnected'): void {
    // oxlint-disable-next-line no-underscore-dangle -- it is Nest's
    this._status$.next(status);
  }

  /** Waits for nodes that are just being asked, where it matters. */
  private nodesFor(
    { pattern }: RoutedPacket,
    route: Route,
    toAll: 'nodes' | 'staying' = 'nodes',
  ): readonly NodeRef[] | Promise<readonly NodeRef[]> {
    const { patterns } = this;
    const find = () => {
      const candidates = patterns.candidatesFor(pattern);
      return route === 'all' ? candidates[toAll] : choose(route, candidates, () => this.cluster.peers);
    };
    const nodes = find();
    if (patterns.isSettled || (nodes.length > 0 && (route === 'any' || route === 'nearest'))) return nodes;
    return patterns.settled().then(find);
  }

  /** Asks one node, and others after it for as long as that is worth while. */
  private askOneOf(
    first: NodeRef,
    request: RoutedPacket,
    serialised: unknown,
    callback: Callback,
  ): () => void {
    const { pattern } = request;
    const { requestsTo } = this;
    const retries = new Retries(requestsTo, this.retries, this.idempotent.has(pattern));
    let cancel = (): void => {};
    const failed = (each: FailedTry): void => {
      const candidates =
        this.session.ready && retries.after(each, () => this.patterns.candidatesFor(pattern));
      const [next] = candidates ? choose(requestsTo, candidates, () => this.cluster.peers) : [];
      if (next) cancel = this.ask(next, request, serialised, callback, failed);
      else callback({ err: each.error });
    };
    cancel = this.ask(first, request, serialised, callback, failed);
    return () => cancel();
  }

  private ask(
    node: NodeRef,
    { pattern }: RoutedPacket,
    serialised: unknown,
    callback: Callback,
    failed: (failure: FailedTry) => void,
  ): () => void {
    let hasAnswered = false;
    const inOrder = new InOrder();
    const receive = (part: unknown): void => {
      hasAnswered = true;
      inOrder.take(
        () => this.deserializer.deserialize(part),
        deliver,
        (err) => callback({ err }),
      );
    };
    const deliver = ({ err, response, isDisposed }: IncomingResponse): void => {
      const isLast = isDisposed || err;
      if (isLast) cancel();
      callback(isLast ? { err, response, isDisposed: true } : { err, response });
    };
    const fail = (error: unknown, isUntouched: boolean): void => {
      const isUnhandled = isUntouched && peerageCodeOf(error) === 'NO_HANDLER';
      const shown = isUnhandled ? noHandler(node, pattern) : asWritten(error);
      inOrder.after(() => failed({ node, error: shown as Error, isUntouched, hasAnswered }));
    };
    const sink = { next: receive, end: receive, fail };
    const cancel = this.cluster.messaging.open(node, TOPICS.request, serialised, pattern, sink);
    return cancel;
  }

  private routed(packet: ReadPacket): RoutedPacket {
    return { ...packet, pattern: this.normalizePattern(packet.pattern as string) };
  }

  private noTargetError({ pattern }: RoutedPacket, route: Route): PeerageError {
    const problem = this.cluster.state.problemWith('send()');
    if (problem) return problem;
    if (typeof route === 'string' || 'key' in route)
      return new PeerageError(
        'NO_HANDLER',
        `No node has a handler for "${pattern}". Is it in the AppModule of a node with peerageMicroservice(), and is that node a peer?`,
      );
    const isKnown =
      [this.cluster.self.name, this.cluster.self.bootId].includes(route.node) ||
      this.cluster.peer(route.node);
    return isKnown
      ? noHandler({ name: route.node }, pattern)
      : new PeerageError('NO_SUCH_PEER', `${route.node} is no peer. explain() says why.`);
  }
}

/** @throws PeerageError `INVALID_OPTIONS` */
function checkRetries(retries: number): number {
  if (Number.isInteger(retries) && retries >= 0) return retries;
  throw new PeerageError(
    'INVALID_OPTIONS',
    `PeerageClient: retries is a whole number from 0 on, not ${String(retries)}.`,
  );
}

function noHandler({ name }: Pick<NodeRef, 'name'>, pattern: string): PeerageError {
  return new PeerageError('NO_HANDLER', `${name} has no handler for "${pattern}".`);
}

function closed(): PeerageError {
  return new PeerageError('ABORTED', 'The client was closed.');
}

/** Passes the packets of several responses on as one: it is complete when the last one is. */
function joined(count: number, callback: Callback): Callback {
  let open = count;
  return (packet) => {
    if (!packet.isDisposed || packet.err || --open === 0) callback(packet);
    else if (packet.response !== undefined) callback({ response: packet.response as unknown });
  };
}

/** Events reach who is there. */
function unlessGone(error: unknown): void {
  if (!(error instanceof PeerageError) || error.code !== 'PEER_GONE') throw asWritten(error);
}

/**
 * A client for `ClientsModule.registerAsync([peerageClient('ORDERS')])`, to be injected by that name.
 *
 * @throws PeerageError `INVALID_OPTIONS` for options that do not exist
 * @publicApi
 */
export function peerageClient(
  name: string | symbol,
  options: Omit<PeerageClientOptions, 'cluster'> = {},
): ClientsProviderAsyncOptions {
  assertOptionNames('peerageClient()', options, NAMES);
  const { requestsTo, retries, idempotent } = options;
  return {
    name,
    inject: [ClusterService],
    useFactory: (cluster: ClusterService) => ({
      customClass: PeerageClient,
      options: { requestsTo, retries, idempotent, ...codecOf(options), cluster },
    }),
  };
}
