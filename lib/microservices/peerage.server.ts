import { Server } from '@nestjs/microservices';
import type {
  AsyncMicroserviceOptions,
  CustomTransportStrategy,
  MessageHandler,
  OutgoingResponse,
  WritePacket,
} from '@nestjs/microservices';
import { finalize } from 'rxjs';
import { ClusterService } from '../cluster/cluster.service.js';
import { PeerageError } from '../errors/peerage-error.js';
import { failureOf, ownFailure } from '../messaging/failure.js';
import type { IncomingRequest } from '../messaging/incoming-requests.js';
import { SlotMap } from '../messaging/slot-map.js';
import { Work } from '../messaging/work.js';
import type { NodeInfo } from '../naming/node-info.js';
import { assertOptionNames } from '../naming/option-names.js';
import { expectEntries } from '../presence/expected-entries.js';
import { within } from '../time/waiting.js';
import { asWritten, copyOf } from './local-or-remote.js';
import { PeerageContext } from './peerage.context.js';
import { CODEC_OPTIONS, PEERAGE, checkOptions, codecOf } from './peerage.options.js';
import type { PeerageEvents, PeerageTransportOptions } from './peerage.options.js';
import { plainError, sendableError } from './plain-error.js';
import { offer } from './pattern-registry.js';
import { TOPICS } from './wire.js';

/** Packets of one response that may be on their way to the network, while little waits for its client. */
const PACKETS_AT_ONCE = 16;
const BYTES_AT_ONCE = 256 * 1024;
/** What an error carries in one of its own properties, when not all of it can be sent. */
const MAX_FIELD_BYTES = 64 * 1024;

/** Every client that lives knows within this that a server has its patterns no more. */
const TOLD_MS = 2_000;

/** Those for which a server listens: one handles all. */
const served = new WeakSet<ClusterService>();

/**
 * Options of {@link PeerageServer}.
 *
 * @publicApi
 */
export type PeerageServerOptions = PeerageTransportOptions;

/**
 * Handles what the clients of all nodes send: the transport strategy behind {@link peerageMicroservice}.
 *
 * @publicApi
 */
export class PeerageServer
  extends Server<PeerageEvents, 'connected' | 'disconnected'>
  implements CustomTransportStrategy
{
  /** What `@MessagePattern(pattern, transport)` names to bind a handler to this server alone. */
  override readonly transportId = PEERAGE;
  private readonly cluster: ClusterService;
  /** Those that handlers are at work on. */
  private readonly requests = new SlotMap<IncomingRequest>();
  private listeners: (() => void)[] = [];
  private endings: (() => void)[] = [];
  /** Requests and events that handlers are at work on. */
  private readonly underWay: Work;
  private closing: Promise<void> | undefined;
  /** Takes back what it has offered to all nodes. */
  private retract: () => Promise<void> = async () => {};

  /** @throws PeerageError `INVALID_OPTIONS` without a cluster, and for options that do not exist. */
  constructor(options: PeerageServerOptions) {
    super();
    expectEntries();
    checkOptions(options, 'PeerageServer', 'peerageMicroservice', CODEC_OPTIONS);
    this.cluster = options.cluster;
    this.underWay = new Work(options.cluster.clock);
    const codec = codecOf(options);
    this.initializeSerializer(codec);
    this.initializeDeserializer(codec);
  }

  /** Begins to handle, and tells every node its patterns. May come before the node has started. */
  listen(callback: (error?: unknown) => void): void {
    try {
      this.mount();
      this.retract = offer(this.cluster, this.messageHandlers.keys());
    } catch (error) {
      this.unmount();
      callback(error);
      return;
    }
    this.tell('connected');
    callback();
  }

  /**
   * Withdraws its patterns, and resolves when the handlers have done what was asked of them. After
   * `shutdown.drainMs`, or when the node stops before, ends the work on the rest; their clients get `PEER_GONE`.
   */
  close(): Promise<void> | undefined {
    if (this.endings.length > 0) this.closing ??= this.drain();
    return this.closing;
  }

  private async drain(): Promise<void> {
    const { clock, drainMs, state } = this.cluster;
    const withdrawn = this.withdraw();
    if (drainMs > 0) await Promise.race([within(drainMs, withdrawn, undefined, clock), state.stopped]);
    this.end();
    this.closing = undefined;
  }

  /** Clients that don't know yet go on sending. */
  private async withdraw(): Promise<void> {
    await within(TOLD_MS, this.retract(), undefined, this.cluster.clock);
    await (this.cluster.peers.length > 0 ? this.underWay.finished() : this.underWay.done());
  }

  private end(): void {
    this.unmount();
    for (const end of this.listeners.splice(0)) end();
    const closed = new PeerageError('PEER_GONE', `${this.cluster.self.name} stopped before it had answered.`);
    for (const [, request] of this.requests) request.fail(ownFailure(closed));
    this.tell('disconnected');
  }

  /** Hears events of the cluster, until `close`. */
  on<E extends keyof PeerageEvents, L extends PeerageEvents[E]>(event: E, listener: L): void {
    this.listeners.push(this.cluster.on(event, listener));
  }

  /** The `ClusterService`. */
  unwrap<T = ClusterService>(): T {
    return this.cluster as T;
  }

  private tell(status: 'connected' | 'disconnected'): void {
    // oxlint-disable-next-line no-underscore-dangle -- it is Nest's
    this._status$.next(status);
  }

  /** Our clients send routes: most patterns need no parsing. */
  override getHandlerByPattern(pattern: string): MessageHandler | null {
    return this.messageHandlers.get(pattern) ?? super.getHandlerByPattern(pattern);
  }

  private mount(): void {
    const { cluster } = this;
    if (served.has(cluster))
      throw new PeerageError('INVALID_OPTIONS', 'This app listens with two PeerageServers: one handles all.');
    served.add(cluster);
    this.endings = [
      () => served.delete(cluster),
      cluster.messaging.serve(TOPICS.request, (packet, { peer }, request) =>
        this.serve(packet, peer, request),
      ),
      cluster.handle(TOPICS.event, (packet, { peer }) => this.hear(packet, peer)),
    ];
  }

  private unmount(): void {
    for (const end of this.endings.splice(0)) end();
  }

  private async hear(serialised: unknown, client: NodeInfo): Promise<void> {
    this.underWay.begin();
    try {
      const packet = await this.deserializer.deserialize(serialised);
      const pattern = this.getPatternAsString(packet.pattern);
      await this.handleEvent(pattern, packet, new PeerageContext([client, pattern, packet.metadata]));
    } catch (error) {
      this.handleError(error as string);
    } finally {
      this.underWay.end();
    }
  }

  /** Until the response is complete. */
  private async serve(serialised: unknown, client: NodeInfo, request: IncomingRequest): Promise<void> {
    this.begin(request);
    try {
      const packet = await this.deserializer.deserialize(serialised);
      const pattern = this.getPatternAsString(packet.pattern);
      const handler = this.getHandlerByPattern(pattern);
      if (!handler) return request.fail(ownFailure(this.noHandler(pattern), true));
      const context = new PeerageContext([client, pattern, packet.metadata]);
      const work = () => this.work(request, context, () => handler(packet.data, context));
      this.onProcessingStartHook(this.transportId, context, work);
    } catch (error) {
      this.fail(request, error);
    }
    return new Promise((resolve) => request.onOver(resolve));
  }

  private begin(request: IncomingRequest): void {
    this.underWay.begin();
    const number = this.requests.add(request);
    request.onOver(() => {
      this.requests.delete(number);
      this.underWay.end();
    });
  }

  private async work(
    request: IncomingRequest,
    context: PeerageContext,
    handle: () => unknown,
  ): Promise<void> {
    const done = () => this.onProcessingEndHook?.(this.transportId, context);
    try {
      const response$ = this.transformToObservable<unknown>(await handle());
      const responding = this.send(response$.pipe(finalize(done)), (packet) => this.respond(request, packet));
      request.onOver(() => responding.unsubscribe());
    } catch (error) {
      done();
      this.fail(request, error);
    }
  }

  /** Now and then Nest is to wait until the packets so far are with the network. */
  private respond(request: IncomingRequest, packet: WritePacket): Promise<void> | undefined {
    if (request.isOver) return undefined;
    const failed = (error: unknown) => this.unsent(request, packet, error);
    try {
      const serialised = this.serialise(packet);
      const sent = packet.isDisposed ? request.end(serialised) : request.next(serialised);
      const handed = sent.catch(failed);
      const isMuch = request.parts % PACKETS_AT_ONCE === 0 || request.waitingBytes > BYTES_AT_ONCE;
      return isMuch ? handed : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  /** Something else than the handler failed, and it is not for the client to know what. */
  private fail(request: IncomingRequest, error: unknown): void {
    if (error instanceof PeerageError) return request.fail(ownFailure(error));
    this.logger.error(error);
    this.endWith(request, { status: 'error', message: 'Internal server error' });
  }

  /** With what the app's serialiser makes of an error, if it can. */
  private endWith(request: IncomingRequest, err: unknown): void {
    try {
      request.endWith(this.serialise({ err, isDisposed: true }));
    } catch (error) {
      request.fail(failureOf(error, true));
    }
  }

  /** Of an error that cannot be sent, what can be. */
  private unsent(request: IncomingRequest, { err }: WritePacket, problem: unknown): void {
    const isUnsendable = problem instanceof PeerageError && problem.code === 'INVALID_MESSAGE';
    if (err === undefined || !isUnsendable) return this.fail(request, asWritten(problem));
    const copy = (value: unknown) => copyOf(this.cluster, TOPICS.request, value, MAX_FIELD_BYTES);
    this.endWith(request, sendableError(err, copy));
  }

  private serialise(packet: WritePacket): unknown {
    const plain = 'err' in packet ? { ...packet, err: plainError(packet.err) } : packet;
    return this.serializer.serialize(plain as OutgoingResponse);
  }

  private noHandler(pattern: string): PeerageError {
    return new PeerageError('NO_HANDLER', `${this.cluster.self.name} has no handler for "${pattern}".`);
  }
}

/**
 * Microservice options, for a hybrid app and for a pure microservice:
 * `app.connectMicroservice(peerageMicroservice())`,
 * `NestFactory.createMicroservice(AppModule, peerageMicroservice())`.
 *
 * @throws PeerageError `INVALID_OPTIONS` for options that do not exist
 * @publicApi
 */
export function peerageMicroservice(
  options: Omit<PeerageServerOptions, 'cluster'> = {},
): AsyncMicroserviceOptions {
  assertOptionNames('peerageMicroservice()', options, CODEC_OPTIONS);
  return {
    inject: [ClusterService],
    useFactory: (cluster: ClusterService) => ({ strategy: new PeerageServer({ ...options, cluster }) }),
  };
}
