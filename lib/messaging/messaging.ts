import { PeerageError } from '../errors/peerage-error.js';
import { shown } from '../errors/thrown.js';
import type { Peer, PeerEvent } from '../membership/events.js';
import { MAX_TOPIC, isTopic } from '../wire/message-frames.js';
import { FrameKind } from '../wire/frames.js';
import type { Clock } from '../time/clock.js';
import { isTimerMs } from '../time/waiting.js';
import type { Mesh } from '../mesh/mesh.js';
import { Gate } from './gate.js';
import { Handlers, type RequestHandler } from './handlers.js';
import { Incoming } from './incoming.js';
import type { MessagingLog } from './incoming.js';
import { IncomingRequests } from './incoming-requests.js';
import type { BroadcastResult, MessageHandler, Recipient, RequestOptions } from './message.types.js';
import { type AnswerSink, OutgoingRequests } from './outgoing-requests.js';
import { PeerDirectory, THIS_NODE } from './peer-directory.js';
import type { Tracing } from './tracing.js';
import { Unhandled } from './unhandled.js';
import { Work } from './work.js';

interface MessagingParts {
  readonly mesh: Mesh;
  readonly clock: Clock;
  readonly log: MessagingLog;
  /** Closed until the app is ready. @default an open one */
  readonly gate?: Gate;
  /** Makes spans, once it is there. */
  readonly tracing?: Promise<Tracing | undefined>;
}

/** Messages between the app here and the apps over there: at most once, in order per peer and topic. */
export class Messaging {
  private readonly mesh: Mesh;
  private readonly directory: PeerDirectory;
  private readonly outgoing: OutgoingRequests;
  private readonly handlers = new Handlers();
  private readonly unhandled = new Unhandled();
  private readonly incoming: Incoming;
  private readonly requests: IncomingRequests;
  /** What handlers of this node are at work on. */
  readonly work: Work;
  private tracing: Tracing | undefined;
  private isStopped = false;

  constructor({ mesh, clock, log, tracing, gate = openGate() }: MessagingParts) {
    this.mesh = mesh;
    this.directory = new PeerDirectory(mesh);
    this.outgoing = new OutgoingRequests(mesh, clock);
    this.work = new Work(clock);
    this.requests = new IncomingRequests(mesh, clock);
    const { directory, outgoing, requests, handlers, unhandled, work } = this;
    this.incoming = new Incoming({
      mesh,
      directory,
      outgoing,
      requests,
      handlers,
      unhandled,
      log,
      gate,
      work,
    });
    mesh.subscribe((event) => this.hear(event));
    mesh.receive(
      (from, kind, body, left) => this.incoming.take(from, kind, body, left),
      (to, kind, id, error) => {
        if (kind === FrameKind.request) outgoing.fail(to, id as number, error);
        else if (kind === FrameKind.reply || kind === FrameKind.next) requests.answerLost(to, id as number);
      },
      (from) => gate.drop(from),
    );
    void tracing?.then((loaded) => (this.tracing = this.incoming.tracing = loaded));
  }

  /** @throws PeerageError `INVALID_MESSAGE`, `NOT_RUNNING` */
  broadcast(topic: string, data: unknown): BroadcastResult {
    assertTopic(topic);
    if (this.isStopped) throw notRunning('the message was sent');
    const { tracing } = this;
    if (!tracing?.wants(topic)) return this.postAll([topic, data], topic);
    return tracing.send(topic, undefined, (trace) => this.postAll([topic, data, trace], topic));
  }

  send(recipient: Recipient | typeof THIS_NODE, topic: string, data: unknown): Promise<void> {
    const { tracing } = this;
    if (!tracing?.wants(topic)) return this.post(recipient, topic, [topic, data]);
    return tracing.send(topic, nameOf(recipient), (trace) =>
      this.post(recipient, topic, [topic, data, trace]),
    );
  }

  request(
    recipient: Recipient | typeof THIS_NODE,
    topic: string,
    data: unknown,
    options: RequestOptions = {},
  ): Promise<unknown> {
    const { tracing } = this;
    if (!tracing?.wants(topic)) return this.ask(recipient, topic, data, options, undefined);
    return tracing.send(topic, nameOf(recipient), (trace) =>
      this.ask(recipient, topic, data, options, trace),
    );
  }

  /**
   * Makes a request without a time limit, to a peer or this node itself, whose answer may come in parts. Tells `sink`, in a
   * later turn, also when it cannot be sent. Returns what ends the waiting.
   *
   * @param what it asks for, as errors say it
   */
  open(
    node: Pick<Peer, 'bootId' | 'name'>,
    topic: string,
    data: unknown,
    what: string,
    sink: AnswerSink,
  ): () => void {
    return this.outgoing.open(node.bootId, what, sink, async (id) => {
      if (this.isStopped) throw notRunning('the request was sent');
      const { tracing } = this;
      if (!tracing?.wants(topic)) return this.hand(node, FrameKind.request, [id, topic, data], topic);
      return tracing.send(topic, node.name, (trace) =>
        this.hand(node, FrameKind.request, [id, topic, data, trace], topic),
      );
    });
  }

  /**
   * Takes the requests of a topic, and answers each by itself.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  serve(topic: string, answer: RequestHandler): () => void {
    assertTopic(topic);
    return this.handlers.add(topic, { name: topic, handle: () => {}, answer });
  }

  /** @throws PeerageError `INVALID_MESSAGE`, `INVALID_OPTIONS` */
  handle(topic: string, handle: MessageHandler<never>, name = handle?.name || 'a handler'): () => void {
    assertTopic(topic);
    assertHandler(topic, handle);
    return this.handlers.add(topic, { name, handle });
  }

  /**
   * Data as it arrives at others.
   *
   * @param maxBytes of the message; `limits.messageBytes` holds as well
   * @throws PeerageError `INVALID_MESSAGE`
   */
  copyOf(topic: string, data: unknown, maxBytes?: number): unknown {
    return (this.mesh.copy(FrameKind.event, [topic, data], maxBytes) as readonly unknown[])[1];
  }

  /** Handles a topic also while the app is not ready. */
  handleEarly(topic: string, handle: MessageHandler<never>): () => void {
    assertTopic(topic);
    return this.handlers.add(topic, { name: topic, handle, isEarly: true });
  }

  /** Requests that wait for their answer. */
  get pendingRequests(): number {
    return this.outgoing.size;
  }

  /** What does not work here, one sentence each. */
  notes(): string[] {
    return this.unhandled.describe();
  }

  /** Every request that waits ends now, and nothing is handled any more. */
  stop(): void {
    this.isStopped = true;
    this.incoming.stop();
    this.outgoing.stop((what) => notRunning(`the request ${JSON.stringify(what)} got its answer`));
  }

  private postAll(body: readonly unknown[], topic: string): BroadcastResult {
    const { queued, full, tooLong } = this.mesh.postAll(FrameKind.event, body, topic);
    const refused = [...this.refusals(full, 'OVERLOADED'), ...this.refusals(tooLong, 'INVALID_MESSAGE')];
    return { handed: queued, refused };
  }

  private refusals(
    bootIds: readonly string[],
    code: BroadcastResult['refused'][number]['code'],
  ): BroadcastResult['refused'] {
    return bootIds.flatMap((bootId) => {
      const peer = this.directory.get(bootId);
      return peer ? { peer, code } : [];
    });
  }

  private post(
    recipient: Recipient | typeof THIS_NODE,
    topic: string,
    body: readonly unknown[],
  ): Promise<void> {
    try {
      assertTopic(topic);
      const node = { bootId: this.bootIdOf(recipient), name: nameOf(recipient) };
      return this.hand(node, FrameKind.event, body, topic);
    } catch (error) {
      return rejection(error);
    }
  }

  /** @throws PeerageError `INVALID_MESSAGE` */
  private hand(
    { bootId, name }: Pick<Peer, 'bootId' | 'name'>,
    kind: number,
    body: readonly unknown[],
    topic: string,
  ): Promise<void> {
    const result = this.mesh.hand(bootId, kind, body, topic);
    return typeof result === 'object' ? result : Promise.reject(refusal(result, name));
  }

  private ask(
    recipient: Recipient | typeof THIS_NODE,
    topic: string,
    data: unknown,
    options: RequestOptions,
    trace: unknown,
  ): Promise<unknown> {
    let bootId: string;
    try {
      assertTopic(topic);
      assertOptions(options);
      bootId = this.bootIdOf(recipient);
    } catch (error) {
      return rejection(error);
    }
    return this.outgoing.make(bootId, topic, options ?? {}, (id) => {
      const body = trace === undefined ? [id, topic, data] : [id, topic, data, trace];
      const result = this.mesh.post(bootId, FrameKind.request, body, topic);
      if (result !== 'queued') throw refusal(result, nameOf(recipient));
    });
  }

  private bootIdOf(recipient: Recipient | typeof THIS_NODE): string {
    if (this.isStopped) throw notRunning('the message was sent');
    return this.directory.bootIdOf(recipient);
  }

  private hear(event: PeerEvent): void {
    this.directory.hear(event);
    if (event.type !== 'peer.down') return;
    const { peer, reason } = event;
    this.requests.endOf(peer.bootId);
    this.outgoing.peerDown(peer.bootId, (what) => {
      const text = `${peer.name} went down (${reason}) before it answered the request ${JSON.stringify(what)}.`;
      return new PeerageError('PEER_GONE', text);
    });
  }
}

function openGate(): Gate {
  const gate = new Gate();
  gate.open();
  return gate;
}

async function rejection(error: unknown): Promise<never> {
  throw error;
}

function refusal(result: 'full' | 'gone', name: string): PeerageError {
  if (result === 'gone') return new PeerageError('PEER_GONE', `${name} is no peer any more.`);
  const hint = 'send less, or raise limits.sendQueueBytes.';
  return new PeerageError('OVERLOADED', `${name} does not keep up and its queue is full: ${hint}`);
}

function nameOf(recipient: Recipient | typeof THIS_NODE): string {
  if (recipient === THIS_NODE) return 'this node';
  return typeof recipient === 'string' ? recipient : recipient.name;
}

function notRunning(what: string): PeerageError {
  return new PeerageError('NOT_RUNNING', `This node stopped before ${what}.`);
}

function assertTopic(topic: string): void {
  if (isTopic(topic)) return;
  throw new PeerageError('INVALID_MESSAGE', `A topic is a text of 1 to ${MAX_TOPIC} characters.`);
}

function assertHandler(topic: string, handle: unknown): void {
  if (typeof handle === 'function') return;
  throw new PeerageError(
    'INVALID_OPTIONS',
    `handle(${JSON.stringify(topic)}, …) takes a function that handles the messages, not ${typeof handle}.`,
  );
}

function assertOptions(options: unknown): asserts options is RequestOptions {
  const { timeoutMs, signal } = (options ?? {}) as Partial<Record<keyof RequestOptions, unknown>>;
  if (timeoutMs !== undefined && !(isTimerMs(timeoutMs) && timeoutMs > 0))
    throw badOption(`timeoutMs is a positive number of milliseconds, not ${shown(timeoutMs)}`);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw badOption(`signal is an AbortSignal, not ${shown(signal)}`);
}

function badOption(problem: string): PeerageError {
  return new PeerageError('INVALID_OPTIONS', `request(): ${problem}.`);
}
