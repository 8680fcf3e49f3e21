import type { PeerageError } from '../../errors/peerage-error.js';
import { FrameKind } from '../../wire/frames.js';
import { Fifo } from './fifo.js';
import {
  type BodyName,
  FrameWriter,
  HEADER_BYTES,
  LENGTH_BYTES,
  writeHeader,
} from '../../wire/frame-writer.js';
import { coalesce } from './join-small.js';
import { OwnedBytes, type Piece } from './owned-bytes.js';
import { WriteReceipt, connectionLost } from './write-receipts.js';

/** What one write takes of short messages. */
export const BATCH_BYTES = 64 * 1024;
/** Small, since each peer has its own. */
const SLAB_BYTES = 16 * 1024;
/** What is counted for each message in the queue of long ones besides its bytes: much of it may be short. */
const ENTRY_BYTES = 128;

/** A message that goes in parts, or has to wait for one that does. */
interface Long extends Piece {
  readonly lane: string | undefined;
  readonly kind: number;
  /** What stands first in its body. */
  readonly id: unknown;
  ticket: WriteReceipt | undefined;
  /** It goes when the stream of short messages has come this far: what was sent before it stays before it. */
  readonly afterAt: number;
}

/**
 * Messages in memory of their own: short ones one behind the other, as they were encoded, to be taken in one
 * piece; long ones (and short ones that must not overtake them) in a queue with a cursor in the first.
 */
export class MessageStream {
  private readonly writer = new FrameWriter(SLAB_BYTES);
  private readonly short = new OwnedBytes();
  private readonly tickets = new Fifo<WriteReceipt>();
  /** A ticket holds for all that probably goes with the next write. */
  private openTicket: WriteReceipt | undefined;
  /** Positions in the stream of short messages. */
  private pushedAt = 0;
  private takenAt = 0;
  private lastIsLong = false;
  private readonly long = new Fifo<Long>();
  private readonly longBytes = new OwnedBytes();
  /** How many messages of each lane wait among the long ones. */
  private readonly lanes = new Map<string | undefined, number>();
  /** How much of the first long one is taken. */
  private cursor = 0;
  private waitingBytes = 0;

  /** @param partBytes the longest frame that goes in one piece */
  constructor(private readonly partBytes: number) {}

  get bytes(): number {
    return this.waitingBytes;
  }

  get heldBytes(): number {
    return this.short.heldBytes + this.longBytes.heldBytes + ENTRY_BYTES * this.long.length;
  }

  /** Whether a message is taken in part. */
  get isBegun(): boolean {
    return this.cursor > 0;
  }

  /** Whether a long message, or the next part of one, can go. */
  get hasLong(): boolean {
    return this.long.length > 0 && this.long.first!.afterAt <= this.takenAt;
  }

  /**
   * `false`: it takes more than `room`, and nothing was queued.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  push(
    kind: number,
    body: readonly unknown[],
    names: BodyName,
    lane: string | undefined,
    maxBytes: number,
    room: number,
  ): boolean {
    const { writer } = this;
    writer.write(kind, body, maxBytes, names);
    const { slab, start, end } = writer;
    const hasRoom = end - start <= room;
    if (hasRoom && !this.isLong(end - start, lane)) this.addShort(slab, start, end);
    else {
      if (hasRoom) this.addLong(slab, start, end, lane, kind, body[0]);
      writer.takeBack();
    }
    return hasRoom;
  }

  /** Queues a copy of an encoded event. */
  pushCopy(slab: Buffer, start: number, end: number, lane: string | undefined): void {
    if (this.isLong(end - start, lane)) this.addLong(slab, start, end, lane, FrameKind.event, lane);
    else {
      this.writer.copy(slab, start, end);
      this.addShort(this.writer.slab, this.writer.start, this.writer.end);
    }
  }

  /** Of the message that was pushed last. */
  ticket(): WriteReceipt {
    if (this.lastIsLong) return (this.long.last!.ticket ??= new WriteReceipt(0));
    if (!this.openTicket || this.pushedAt - this.openTicket.from > BATCH_BYTES) {
      this.openTicket = new WriteReceipt(this.pushedAt);
      this.tickets.push(this.openTicket);
    }
    this.openTicket.at = this.pushedAt;
    return this.openTicket;
  }

  /** Takes short messages for one write. Returns how many bytes of them. */
  takeShort(buffers: Buffer[], tickets: WriteReceipt[]): number {
    this.openTicket = undefined;
    if (this.short.bytes === 0) return 0;
    const taken = this.short.take(BATCH_BYTES);
    const bytes = taken.reduce((sum, { length }) => sum + length, 0);
    this.waitingBytes -= bytes;
    this.takenAt += bytes;
    for (let { first } = this.tickets; first && first.at <= this.takenAt; { first } = this.tickets)
      tickets.push(this.tickets.shift()!);
    buffers.push(...coalesce(taken));
    return bytes;
  }

  /** Takes about one part of long messages; begins some only while there is credit. Returns the size of those that end. */
  takePart(buffers: Buffer[], tickets: WriteReceipt[], credit: number): number {
    let ended = 0;
    let room = this.partBytes;
    while (room > 0 && this.hasLong && (this.isBegun || credit > ended)) {
      const first = this.long.first!;
      room -= this.takeOf(first, buffers);
      if (this.cursor < first.end - first.start) continue;
      ended += first.end - first.start;
      this.shift();
      if (first.ticket) tickets.push(first.ticket);
    }
    return ended;
  }

  /** Forgets the message that is taken in part, and returns it. */
  cut(): Long | undefined {
    return this.isBegun ? this.shift() : undefined;
  }

  /** Forgets everything, for this reason. Who shares a receipt with one that was taken does not learn which of them was. */
  fail(error: PeerageError): void {
    for (const ticket of this.tickets.drain())
      ticket.settle(ticket.from <= this.takenAt ? connectionLost() : error);
    for (const { ticket } of this.long.drain()) ticket?.settle(error);

    this.waitingBytes = 0;
    this.cursor = 0;
    this.lanes.clear();
    this.short.clear();
    this.longBytes.clear();
  }

  private isLong(bytes: number, lane: string | undefined): boolean {
    if (bytes - LENGTH_BYTES > this.partBytes) return true;
    return lane !== undefined && this.lanes.size > 0 && this.lanes.has(lane);
  }

  private addShort(slab: Buffer, start: number, end: number): void {
    this.lastIsLong = false;
    this.waitingBytes += end - start;
    this.pushedAt += end - start;
    this.short.add(slab, start, end);
  }

  private addLong(
    slab: Buffer,
    start: number,
    end: number,
    lane: string | undefined,
    kind: number,
    id: unknown,
  ): void {
    this.lastIsLong = true;
    this.waitingBytes += end - start + ENTRY_BYTES;
    this.lanes.set(lane, (this.lanes.get(lane) ?? 0) + 1);
    const piece = this.longBytes.copy(slab, start, end);
    this.long.push({ ...piece, lane, kind, id, ticket: undefined, afterAt: this.pushedAt });
  }

  /** Adds the next part of a message to `buffers`. Returns its size. */
  private takeOf({ slab, start, end }: Long, buffers: Buffer[]): number {
    if (end - start - LENGTH_BYTES <= this.partBytes) {
      buffers.push(slab.subarray(start, end));
      this.cursor = end - start;
      return end - start;
    }
    // The parts hold the frame without its length.
    const from = start + Math.max(this.cursor, LENGTH_BYTES);
    const to = Math.min(end, from + this.partBytes - 1);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    writeHeader(header, 0, 1 + to - from, to === end ? FrameKind.lastPart : FrameKind.part);
    buffers.push(header, slab.subarray(from, to));
    this.cursor = to - start;
    return HEADER_BYTES + to - from;
  }

  private shift(): Long {
    const first = this.long.shift()!;
    this.cursor = 0;
    this.waitingBytes -= first.end - first.start + ENTRY_BYTES;
    this.longBytes.drop(first);
    const left = this.lanes.get(first.lane)! - 1;
    if (left === 0) this.lanes.delete(first.lane);
    else this.lanes.set(first.lane, left);
    return first;
  }
}
