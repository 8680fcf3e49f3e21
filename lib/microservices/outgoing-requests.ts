import { PeerageError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { every } from '../time/clock.js';
import { SlotMap } from '../messaging/slot-map.js';
import { asWritten, type Exchange, type NodeRef } from './local-or-remote.js';
import {
  FAILURE,
  OWN_FAILURE,
  ROLL_CALL_MS,
  TOPICS,
  errorOfOwn,
  isMark,
  isResponse,
  saysUntouched,
  idsOf,
} from './wire.js';
import type { RequestBody } from './wire.js';

/** Whoever waits for a response. */
interface ResponseSink {
  /** One packet of the response, still serialised. */
  receive(packet: unknown): void;
  /** `isUntouched`: no handler has had it, or will. */
  fail(error: Error, isUntouched?: boolean): void;
}

interface OutgoingRequest {
  readonly sink: ResponseSink;
  readonly node: NodeRef;
  received: number;
  /** Roll calls since it was sent. */
  age: number;
  /** Roll calls in a row in which the server did not know it, though it had come to it. */
  missing: number;
  /** The mark that was sent after the server did not know it, and has not come back. */
  mark: number | undefined;
}

/**
 * The requests of this node that have not ended. Messages are sent at most once, so a request, or a part of its
 * response, may be lost with a connection: numbers show the gap, and the roll call shows what fell silent. It
 * overtakes what waits, so what the server does not know is lost only when a mark, which goes where requests and
 * responses go, has come back.
 */
export class OutgoingRequests {
  private readonly requests = new SlotMap<OutgoingRequest>();
  private endTimer: (() => void) | undefined;
  /** Why nothing can be asked any more. */
  private stopped: PeerageError | undefined;
  private marks = 0;
  private endHandling: (() => void) | undefined;

  private readonly clock: Clock;

  constructor(private readonly exchange: Exchange) {
    this.clock = exchange.cluster.clock;
    void exchange.cluster.state.stopped.then(() => this.stop());
  }

  open(): void {
    this.endHandling = this.exchange.handle(TOPICS.response, (body, from) => this.take(body, from), true);
  }

  close(): void {
    this.endHandling?.();
    this.stopTimer();
  }

  ask(node: NodeRef, packet: unknown, sink: ResponseSink): number {
    const id = this.requests.add({ node, sink, received: 0, age: 0, missing: 0, mark: undefined });
    if (this.stopped) {
      this.fail(id, this.stopped);
      return id;
    }
    const body: RequestBody = [id, packet];
    this.endTimer ??= every(this.clock, ROLL_CALL_MS, () => this.callRoll());
    this.exchange
      .send(node, TOPICS.request, body)
      .catch((error: unknown) => this.fail(id, asWritten(error) as Error, isNeverSent(error)));
    return id;
  }

  /** The response is complete. */
  end(id: number): void {
    this.requests.delete(id);
  }

  /** Nobody wants the response any more. */
  cancel(id: number): void {
    const request = this.requests.delete(id);
    if (!request) return;
    // When it does not arrive, the server gives up too, for want of roll calls.
    this.exchange.send(request.node, TOPICS.cancel, id).catch(() => {});
  }

  /** A node serves no more, or is no peer any more: what it has not answered, it will not answer. */
  gone({ bootId, name }: NodeRef): void {
    const error = new PeerageError('PEER_GONE', `${name} has stopped before it had answered.`);
    for (const [id, request] of this.requests) if (request.node.bootId === bootId) this.fail(id, error);
  }

  /** This node has said goodbye: nothing arrives any more, so that whoever waits goes on. */
  private stop(): void {
    const error = new PeerageError('NOT_RUNNING', 'This node stopped before it got the response.');
    this.stopped = error;
    for (const [id] of this.requests) this.fail(id, error);
    this.stopTimer();
  }

  private take(body: unknown, from: NodeRef): void {
    if (isMark(body)) return this.markCame(body, from);
    if (!isResponse(body)) return;
    const [id, sequence, packet] = body;
    const request = this.requests.get(id);
    if (request?.node.bootId !== from.bootId) return;
    // It may be the last packet, and whoever takes it may need a moment.
    request.missing = 0;
    if (sequence === OWN_FAILURE) this.fail(id, errorOfOwn(packet), saysUntouched(packet));
    else if (sequence === FAILURE || sequence === (request.received += 1)) request.sink.receive(packet);
    else this.lose(id, 'A part of the response was lost with a connection.');
  }

  private fail(id: number, error: Error, isUntouched = false): void {
    this.requests.delete(id)?.sink.fail(error, isUntouched);
  }

  private lose(id: number, message: string): void {
    const request = this.requests.get(id);
    this.cancel(id);
    request?.sink.fail(new PeerageError('CONNECTION_LOST', message));
  }

  private callRoll(): void {
    if (this.requests.size === 0) this.stopTimer();
    const old = [...this.requests].filter(([, request]) => request.age++ > 0);
    const nodes = new Map(old.map(([, { node }]) => [node.bootId, node]));
    for (const node of nodes.values()) {
      void this.askAfter(
        node,
        old.filter(([, request]) => request.node.bootId === node.bootId),
      );
    }
  }

  private async askAfter(node: NodeRef, asked: readonly [number, OutgoingRequest][]): Promise<void> {
    const ids = asked.map(([id]) => id);
    const missing = asked.map(([, request]) => request.missing);
    let known: ReadonlySet<number>;
    try {
      known = new Set(idsOf(await this.exchange.request(node, TOPICS.roll, ids, ROLL_CALL_MS)));
    } catch (error) {
      // Only a node that says so has no server: no mark would come back.
      if (error instanceof PeerageError && error.code === 'NO_HANDLER') for (const id of ids) this.miss(id);
      return;
    }
    for (const [id, request] of asked) if (known.has(id)) [request.missing, request.mark] = [0, undefined];
    // What came meanwhile is newer than this answer.
    const isDoubtful = ([id, request]: [number, OutgoingRequest], i: number): boolean =>
      !known.has(id) && request.missing === missing[i] && this.requests.get(id) === request;
    this.doubt(
      node,
      asked.filter(isDoubtful).map(([, request]) => request),
    );
  }

  /** They may be waiting, here or there, and so may their responses: a mark follows them. */
  private doubt(node: NodeRef, requests: readonly OutgoingRequest[]): void {
    if (requests.length === 0) return;
    const mark = (this.marks += 1);
    for (const request of requests) request.mark ??= mark;
    // When it is lost, the next roll call sends another one.
    this.exchange.send(node, TOPICS.request, mark).catch(() => {});
  }

  /** Whatever the server got before it, it has come to; whatever it sent before that is here. */
  private markCame(mark: number, { bootId }: NodeRef): void {
    for (const [id, request] of this.requests) {
      if (request.node.bootId !== bootId || request.mark === undefined || request.mark > mark) continue;
      request.mark = undefined;
      this.miss(id);
    }
  }

  private stopTimer(): void {
    this.endTimer?.();
    this.endTimer = undefined;
  }

  /** The first time, the request may have been waiting when it was asked after: only the second time counts. */
  private miss(id: number): void {
    const request = this.requests.get(id);
    if (request && (request.missing += 1) > 1)
      this.lose(id, 'The request, or its response, was lost with a connection.');
  }
}

/** What such an error says of a message that was to be sent: it never went. */
function isNeverSent(error: unknown): boolean {
  return error instanceof PeerageError && ['PEER_GONE', 'NO_SUCH_PEER', 'OVERLOADED'].includes(error.code);
}
