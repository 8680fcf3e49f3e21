import type { PeerageError } from '../../errors/peerage-error.js';
import { FrameKind } from '../../wire/frames.js';
import { needsNoRoom } from '../../wire/message-frames.js';
import { type BodyName, LENGTH_BYTES } from '../../wire/frame-writer.js';
import { FlushPolicy } from './flush-policy.js';
import { MessageStream } from './message-stream.js';
import { connectionLost, type WriteReceipt } from './write-receipts.js';
import { TrafficCount } from '../mesh-stats.js';

/** Longer messages go in parts, between which others find their way. */
const PART_BYTES = 64 * 1024;
/** So much is left for errors when the queue is full: who asked should learn of it. */
const ERROR_BYTES = 64 * 1024;

export interface OutboxLimits {
  /** Bytes of one message. */
  readonly messageBytes: number;
  /** Bytes of one frame. */
  readonly frameBytes: number;
  /** Bytes that may wait; of answers, as many again. */
  readonly sendQueueBytes: number;
}

/** Told of a message that was taken in part when its link was lost. `id`: what stands first in its body. */
type OnLost = (kind: number, id: unknown, error: PeerageError) => void;

/**
 * The messages that wait for one peer, whichever link it is reached by: events and requests, as far as the peer
 * has room for them, and the answers to its own, which it always has room for. Each in order; a long one gives way
 * to short ones of other lanes, part by part; within a lane nothing overtakes.
 */
export class Outbox {
  private readonly messages: MessageStream;
  private readonly answers: MessageStream;
  private readonly flushPolicy = new FlushPolicy();
  /** Bytes of messages that the peer has room for. One write may overdraw it, and so may a long message at its end. */
  private credit = 0;
  private isHeld = true;
  private wake: () => void = () => {};
  private writeNow: () => void = () => {};

  constructor(
    private readonly limits: OutboxLimits,
    private readonly lost: OnLost = () => {},
    /** Counts what is queued. */
    private readonly sent = new TrafficCount(),
  ) {
    const partBytes = Math.min(PART_BYTES, limits.frameBytes);
    this.messages = new MessageStream(partBytes);
    this.answers = new MessageStream(partBytes);
  }

  /** What waits. */
  get bytes(): number {
    return this.messages.bytes + this.answers.bytes;
  }

  /** Memory that is held for it. */
  get heldBytes(): number {
    return this.messages.heldBytes + this.answers.heldBytes;
  }

  /** Whether `take` would take something. */
  get isReady(): boolean {
    const { messages, answers } = this;
    return answers.bytes > 0 || messages.isBegun || (messages.bytes > 0 && this.credit > 0);
  }

  /**
   * `false`: there is no room, and nothing was queued.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  push(kind: number, body: readonly unknown[], names: BodyName, lane: string | undefined): boolean {
    const stream = this.streamOf(kind, lane);
    const room = this.limits.sendQueueBytes + (kind === FrameKind.error ? ERROR_BYTES : 0) - stream.bytes;
    if (room <= 0) return false;
    this.makeWay();
    const wasReady = this.isReady;
    const before = stream.bytes;
    const isQueued = stream.push(kind, body, names, lane, this.limits.messageBytes, room);
    if (isQueued) this.pushed(wasReady, stream.bytes - before);
    return isQueued;
  }

  /** Whether the peer takes messages of so many bytes, as frames. */
  takes(frameBytes: number): boolean {
    return frameBytes - LENGTH_BYTES <= this.limits.messageBytes;
  }

  /** Queues an event that others queue, too. `false`: there is no room. */
  pushShared(slab: Buffer, start: number, end: number, lane: string | undefined): boolean {
    const stream = this.streamOf(FrameKind.event, lane);
    if (stream.bytes + end - start > this.limits.sendQueueBytes) return false;
    this.makeWay();
    const wasReady = this.isReady;
    stream.pushCopy(slab, start, end, lane);
    this.pushed(wasReady, end - start);
    return true;
  }

  /** Resolves when the operating system has taken the message of this kind and lane that was pushed last. */
  ticket(kind: number, lane: string | undefined): Promise<void> {
    return this.streamOf(kind, lane).ticket().promise;
  }

  /**
   * Someone takes messages from here: until `hold`, `wake` is called when there are some, and `writeNow` when
   * they are to be taken at once.
   */
  release(wake: () => void, writeNow: () => void): void {
    this.wake = wake;
    this.writeNow = writeNow;
    this.isHeld = false;
    if (this.isReady) wake();
  }

  /** Nobody takes messages for a while. */
  hold(): void {
    this.isHeld = true;
  }

  /** Nobody takes messages any more. One that was taken in part is lost: the rest of it may follow no other way. */
  detach(): void {
    this.hold();
    const cut = this.messages.cut() ?? this.answers.cut();
    if (!cut) return;
    const error = connectionLost();
    cut.ticket?.settle(error);
    this.lost(cut.kind, cut.id, error);
  }

  /** Another link begins, on which the peer has room for so many bytes. */
  restart(credit: number): void {
    this.credit = credit;
  }

  /** The peer has room for so many bytes more. */
  grant(bytes: number): void {
    const wasReady = this.isReady;
    this.credit += bytes;
    if (!wasReady && !this.isHeld && this.isReady) this.wake();
  }

  /** A message of the peer came. */
  arrived(): void {
    this.flushPolicy.onReceived();
  }

  /** Adds what comes next to `buffers`, and to `tickets` those of messages that it completes. */
  take(buffers: Buffer[], tickets: WriteReceipt[], nowMs: number): void {
    this.flushPolicy.onFlushed(nowMs);
    this.answers.takeShort(buffers, tickets);
    if (this.credit > 0) this.credit -= this.messages.takeShort(buffers, tickets);
    this.takeLong(buffers, tickets);
  }

  /** Adds the rest of a message that was taken in part. */
  takeRest(buffers: Buffer[], tickets: WriteReceipt[]): void {
    while (this.messages.isBegun) this.messages.takePart(buffers, tickets, 0);
    while (this.answers.isBegun) this.answers.takePart(buffers, tickets, 0);
  }

  /** Forgets everything that waits, with one reason for all. */
  close(error: PeerageError): void {
    this.messages.fail(error);
    this.answers.fail(error);
  }

  /** About one part. What comes in parts comes alone: the other end puts one message together at a time. */
  private takeLong(buffers: Buffer[], tickets: WriteReceipt[]): void {
    const { messages, answers } = this;
    if (answers.hasLong && !messages.isBegun) answers.takePart(buffers, tickets, Infinity);
    else this.credit -= messages.takePart(buffers, tickets, this.credit);
  }

  private streamOf(kind: number, lane: string | undefined): MessageStream {
    return needsNoRoom(kind) || isControl(lane) ? this.answers : this.messages;
  }

  /** Writes what waits, before more is added, when it is worth it. */
  private makeWay(): void {
    if (this.isHeld || !this.flushPolicy.shouldFlush) return;
    this.flushPolicy.beforeEarlyFlush();
    this.writeNow();
  }

  private pushed(wasReady: boolean, bytes: number): void {
    this.sent.add(bytes);
    this.flushPolicy.onQueued();
    if (!wasReady && !this.isHeld && this.isReady) this.wake();
  }
}

/** Topics of the library's own that go with answers: they keep requests going, and take nobody's time. */
export function isControl(topic: unknown): boolean {
  return typeof topic === 'string' && topic.charCodeAt(0) === DOLLAR && topic.charCodeAt(1) === DOLLAR;
}

const DOLLAR = 36;
