import type { PeerageError } from '../../errors/peerage-error.js';
import { FrameKind } from '../../wire/messages.js';
import { BulkQueue } from './bulk-queue.js';
import { Fifo } from './fifo.js';
import { type BodyName, type FrameWriter, LENGTH_BYTES } from '../../wire/frame-writer.js';
import { joinSmall } from './join-small.js';
import { Pace } from './flush-policy.js';
import { Ticket } from './write-receipts.js';

/** What one write takes of short messages. */
const BATCH_BYTES = 64 * 1024;
/** Longer messages go in parts, between which others find their way. */
const PART_BYTES = 64 * 1024;
/** Memory of slabs that may be held beyond twice what waits: others write to them, too. */
const SLACK_BYTES = 256 * 1024;
/** Beyond that, what waits is copied into slabs of our own. */
const OWN_BYTES = 16 * 1024;
/** So much is left for errors when the queue is full: who asked should learn of it. */
const ERROR_BYTES = 64 * 1024;

export interface OutboxLimits {
  /** Bytes of one message. */
  readonly messageBytes: number;
  /** Bytes of one frame. */
  readonly frameBytes: number;
  /** Bytes that may wait. */
  readonly sendQueueBytes: number;
}

/** Neighbouring messages in one slab. */
interface Piece {
  readonly slab: Buffer;
  readonly start: number;
  end: number;
}

/**
 * The messages that wait for one peer, in order, whichever link it is reached by. A long one gives way to
 * short ones of other lanes, part by part; within a lane nothing overtakes.
 */
export class Outbox {
  private readonly pieces = new Fifo<Piece>();
  private readonly tickets = new Fifo<Ticket>();
  private readonly bulk: BulkQueue;
  private readonly partBytes: number;
  private shortBytes = 0;
  /** Positions in the stream of short messages. */
  private pushedAt = 0;
  private takenAt = 0;
  private lastIsBulk = false;
  /** A ticket holds for all that probably goes with the next write. */
  private openTicket: Ticket | undefined;
  private own = Buffer.alloc(0);
  private ownEnd = 0;
  /** Of all slabs in which something waits. */
  private slabBytes = 0;
  private readonly pace = new Pace();
  private isHeld = true;
  private wake: () => void = () => {};
  private writeNow: () => void = () => {};

  constructor(
    private readonly writer: FrameWriter,
    private readonly limits: OutboxLimits,
  ) {
    this.partBytes = Math.min(PART_BYTES, limits.frameBytes);
    this.bulk = new BulkQueue(this.partBytes);
  }

  get bytes(): number {
    return this.shortBytes + this.bulk.bytes;
  }

  /**
   * `false`: there is no room, and nothing was queued.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  push(kind: number, body: unknown, names: BodyName, lane: string | undefined): boolean {
    const room = this.limits.sendQueueBytes + (kind === FrameKind.error ? ERROR_BYTES : 0) - this.bytes;
    if (room <= 0) return false;
    const { writer } = this;
    writer.write(kind, body, this.limits.messageBytes, names);
    const { slab, start, end } = writer;
    const hasRoom = end - start <= room;
    const isCopied = hasRoom && this.add(slab, start, end, lane);
    if (isCopied || !hasRoom) writer.takeBack();
    return hasRoom;
  }

  /** Queues a frame that others queue, too. `false`: there is no room. */
  pushShared(slab: Buffer, start: number, end: number, lane: string | undefined): boolean {
    if (this.bytes + end - start > this.limits.sendQueueBytes) return false;
    this.add(slab, start, end, lane);
    return true;
  }

  /** Resolves when the operating system has taken the message that was pushed last. */
  ticket(): Promise<void> {
    if (this.lastIsBulk) return this.bulk.ticket().promise;
    if (!this.openTicket || this.pushedAt - this.openTicket.from > BATCH_BYTES) {
      this.openTicket = new Ticket(this.pushedAt);
      this.tickets.push(this.openTicket);
    }
    this.openTicket.at = this.pushedAt;
    return this.openTicket.promise;
  }

  /**
   * Someone takes messages from here: until `hold`, `wake` is called when there are some, and `writeNow` when
   * they are to be taken at once.
   */
  release(wake: () => void, writeNow: () => void): void {
    this.wake = wake;
    this.writeNow = writeNow;
    this.isHeld = false;
    if (this.bytes > 0) wake();
  }

  /** Nobody takes messages for a while. */
  hold(): void {
    this.isHeld = true;
  }

  /** Nobody takes messages any more. The one that was taken in part starts anew. */
  detach(): void {
    this.hold();
    this.bulk.rewind();
  }

  /** A message of the peer came. */
  arrived(): void {
    this.pace.arrived();
  }

  /** Adds what comes next to `buffers`, and to `tickets` those of messages that it completes. */
  take(buffers: Buffer[], tickets: Ticket[], nowMs: number): void {
    this.pace.written(nowMs);
    this.openTicket = undefined;
    if (this.shortBytes > 0) this.takeShort(buffers, tickets);
    if (this.bulk.bytes > 0) this.bulk.take(this.takenAt, buffers, tickets);
  }

  /** Forgets everything that waits, with one reason for all. */
  close(error: PeerageError): void {
    const tickets = [...this.tickets.drain(), ...this.bulk.clear()];
    this.pieces.drain();
    this.shortBytes = 0;
    this.slabBytes = 0;
    for (const ticket of tickets) ticket.settle(error);
  }

  /** Returns whether the frame was copied. */
  private add(slab: Buffer, start: number, end: number, lane: string | undefined): boolean {
    if (!this.isHeld && this.pace.split()) this.writeNow();
    this.pace.queued();
    const wasEmpty = this.bytes === 0;
    this.lastIsBulk = end - start - LENGTH_BYTES > this.partBytes || this.bulk.has(lane);
    const isCopied = this.lastIsBulk
      ? this.bulk.push({ frame: slab.subarray(start, end), lane, afterAt: this.pushedAt })
      : this.addShort(slab, start, end);
    if (wasEmpty && !this.isHeld) this.wake();
    return isCopied;
  }

  private addShort(slab: Buffer, start: number, end: number): boolean {
    this.shortBytes += end - start;
    this.pushedAt += end - start;
    const isTooMuch = this.slabBytes > 2 * this.shortBytes + SLACK_BYTES;
    return isTooMuch ? this.appendCopy(slab, start, end) : this.append(slab, start, end);
  }

  private takeShort(buffers: Buffer[], tickets: Ticket[]): void {
    const taken: Buffer[] = [];
    let bytes = 0;
    while (this.pieces.length > 0 && bytes < BATCH_BYTES) {
      const { slab, start, end } = this.pieces.shift()!;
      if (this.pieces.first?.slab !== slab) this.slabBytes -= slab.length;
      taken.push(slab.subarray(start, end));
      bytes += end - start;
    }
    this.shortBytes -= bytes;
    this.takenAt += bytes;
    for (let { first } = this.tickets; first && first.at <= this.takenAt; { first } = this.tickets)
      tickets.push(this.tickets.shift()!);
    buffers.push(...joinSmall(taken));
  }

  private append(slab: Buffer, start: number, end: number): false {
    const { last } = this.pieces;
    if (last?.slab === slab && last.end === start) {
      last.end = end;
      return false;
    }
    if (last?.slab !== slab) this.slabBytes += slab.length;
    this.pieces.push({ slab, start, end });
    return false;
  }

  private appendCopy(slab: Buffer, start: number, end: number): true {
    const length = end - start;
    if (this.own.length - this.ownEnd < length) {
      this.own = Buffer.allocUnsafeSlow(Math.max(OWN_BYTES, length));
      this.ownEnd = 0;
    }
    const at = this.ownEnd;
    this.ownEnd += slab.copy(this.own, at, start, end);
    this.append(this.own, at, this.ownEnd);
    return true;
  }
}
