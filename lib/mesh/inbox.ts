import { PeerageError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { isThenable } from '../time/waiting.js';
import { type MessageBody, needsNoRoom } from '../wire/message-frames.js';
import { FrameKind } from '../wire/frames.js';
import { Fifo } from './transport/fifo.js';
import { isControl } from './transport/outbox.js';

/** What a sender may be over its window, since it looks at it once a write. */
const OVERDRAFT_BYTES = 256 * 1024;

/** What a message that waits takes, besides its own bytes: counted where the sender keeps no account. */
const WAITING_BYTES = 512;

/** Links that are drained have brought at most so much, in receive windows, when they had been told of their room. */
const DRAINED_WINDOWS = 2;

/** A handler that takes longer is counted no more: one that never ends must not keep its place for ever. */
const HANDLER_MS = 30_000;

export interface InboxLimits {
  /** Messages that are handled at once. */
  readonly handlers: number;
  /** Bytes of messages that are handled, or wait for it. */
  readonly receiveQueueBytes: number;
}

/** Handles a message; what it returns tells until when, if it is a promise. */
type Handle = (kind: number, body: MessageBody) => unknown;

interface Running {
  readonly bytes: number;
  readonly sinceMs: number;
}

interface Waiting {
  readonly kind: number;
  readonly body: MessageBody;
  readonly bytes: number;
}

/**
 * The events and requests of one peer: so many are handled at once, others wait, and the peer sends no more than
 * may wait. What answers our own requests is handled at once.
 */
export class Inbox {
  private readonly waiting = new Fifo<Waiting>();
  /** What came by a link whose predecessor may still bring older messages. */
  private readonly early = new Fifo<Waiting>();
  /** Messages whose handlers run, the oldest first. */
  private readonly running = new Set<Running>();
  private cancelLook: (() => void) | undefined;
  /** Bytes of what is handled, or waits for it. */
  private heldBytes = 0;
  /** Bytes that the peer may still send on its link, by what we told it. */
  private open = 0;
  /** Bytes that are done with, and that the peer was not told of. */
  private due = 0;
  private tell: (bytes: number) => void = () => {};
  /** Bytes of messages that need no room, and whose handlers are at work. */
  private passingBytes = 0;
  /** Bytes that came by links which are being drained, since there were none. */
  private drainedBytes = 0;
  private isClosed = false;

  constructor(
    private readonly limits: InboxLimits,
    private readonly clock: Clock,
    private handle: Handle,
  ) {}

  /** Messages whose handlers are at work. */
  get runningCount(): number {
    return this.running.size;
  }

  /** Messages that wait for their turn. */
  get waitingCount(): number {
    return this.waiting.length + this.early.length;
  }

  /** Bytes of both. */
  get bytes(): number {
    return this.heldBytes;
  }

  /** Bytes of all whose handling has not ended, whether or not they need room. */
  get pendingBytes(): number {
    return this.heldBytes + this.passingBytes;
  }

  /** The numbers of requests that wait for their turn. */
  waitingRequests(): readonly number[] {
    return [...this.waiting, ...this.early].flatMap(({ kind, body }) =>
      kind === FrameKind.request ? [body[0] as number] : [],
    );
  }

  /** A link of the peer begins: `tell` tells it how many bytes more it may send. */
  begin(tell: (bytes: number) => void): void {
    this.tell = tell;
    this.open = 0;
    this.due = Math.max(0, this.limits.receiveQueueBytes - this.heldBytes);
    this.grant();
  }

  /**
   * @param isCurrent whether it came by the link that began last
   * @param isEarly whether it waits for `release`
   * @throws PeerageError `MALFORMED_FRAME` when the peer was not allowed to send so much; what `handle` throws
   */
  take(kind: number, body: MessageBody, bytes: number, isCurrent: boolean, isEarly = false): void {
    if (passesBy(kind, body)) return this.pass(kind, body, bytes);
    if (isCurrent) {
      if (this.open <= -OVERDRAFT_BYTES) throw overrun();
      this.open -= bytes;
    } else {
      const mostBytes = DRAINED_WINDOWS * this.limits.receiveQueueBytes + OVERDRAFT_BYTES;
      if (this.drainedBytes > mostBytes) throw overrun();
      this.drainedBytes += bytes;
    }
    this.heldBytes += bytes;
    if (isEarly || (isCurrent && this.early.length > 0)) this.early.push({ kind, body, bytes });
    else if (this.running.size < this.limits.handlers && this.waiting.length === 0)
      this.run(kind, body, bytes);
    else {
      this.waiting.push({ kind, body, bytes });
      this.lookLater();
    }
  }

  /** Nothing older comes any more. */
  release(): void {
    this.drainedBytes = 0;
    for (const one of this.early.drain()) this.waiting.push(one);
    this.next();
    this.lookLater();
  }

  /** The peer said goodbye: nothing more comes, and what waits is handled in its turn, by `handle`. */
  finish(handle: Handle): void {
    this.handle = handle;
    this.tell = () => {};
    this.release();
  }

  /** The peer is gone: what waits is not handled any more. */
  close(): void {
    this.isClosed = true;
    this.waiting.drain();
    this.early.drain();
    this.cancelLook?.();
  }

  /** It needs no room with us, and is bounded all the same: what it begins may take its time. */
  private pass(kind: number, body: MessageBody, bytes: number): void {
    if (this.passingBytes > this.limits.receiveQueueBytes) throw overrun();
    const result = this.handle(kind, body);
    if (!isThenable(result)) return;
    const heldBytes = bytes + WAITING_BYTES;
    this.passingBytes += heldBytes;
    const end = (): void => void (this.passingBytes -= heldBytes);
    result.then(end, end);
  }

  private run(kind: number, body: MessageBody, bytes: number): void {
    const result = this.handle(kind, body);
    if (!isThenable(result)) return this.done(bytes);
    const running = { bytes, sinceMs: this.clock.now() };
    this.running.add(running);
    const end = (): void => this.end(running);
    result.then(end, end);
  }

  private end(running: Running): void {
    if (!this.running.delete(running)) return;
    this.done(running.bytes);
    this.next();
  }

  private next(): void {
    while (this.waiting.length > 0 && this.running.size < this.limits.handlers) {
      const { kind, body, bytes } = this.waiting.shift()!;
      this.run(kind, body, bytes);
    }
  }

  /** While some wait: looks when the oldest handler has had its time. */
  private lookLater(): void {
    const [oldest] = this.running;
    if (this.isClosed || this.cancelLook || !oldest || this.waiting.length === 0) return;
    const look = (): void => {
      this.cancelLook = undefined;
      for (const running of this.running)
        if (running.sinceMs + HANDLER_MS <= this.clock.now()) this.end(running);
      this.lookLater();
    };
    this.cancelLook = this.clock.after(oldest.sinceMs + HANDLER_MS - this.clock.now(), look, true);
  }

  private done(bytes: number): void {
    this.heldBytes -= bytes;
    this.due += bytes;
    // Now and then; at once when the peer waits for it.
    if (this.due >= this.limits.receiveQueueBytes / 4 || this.open <= 0) this.grant();
  }

  private grant(): void {
    if (this.isClosed || this.due === 0) return;
    const bytes = this.due;
    this.due = 0;
    this.open += bytes;
    this.tell(bytes);
  }
}

/** Whether a message is handled at once, whatever else waits, and takes no room. */
export function passesBy(kind: number, body: MessageBody): boolean {
  return needsNoRoom(kind) || isControl(topicOf(kind, body));
}

function topicOf(kind: number, body: MessageBody): unknown {
  return body[kind === FrameKind.event ? 0 : 1];
}

function overrun(): PeerageError {
  return new PeerageError('MALFORMED_FRAME', 'It sends more messages than it was told there is room for.');
}
