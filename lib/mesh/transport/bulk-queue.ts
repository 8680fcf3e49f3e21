import { FrameKind } from '../../wire/messages.js';
import { Fifo } from './fifo.js';
import { HEADER_BYTES, LENGTH_BYTES, writeHeader } from '../../wire/frame-writer.js';
import { Ticket } from './write-receipts.js';

interface Bulk {
  readonly frame: Buffer;
  readonly lane: string | undefined;
  ticket?: Ticket;
  /** It goes when the stream of small messages has come this far: what was sent before it stays before it. */
  readonly afterAt: number;
}

/** Long messages of one peer, and short ones that must not overtake them, one after the other and in parts. */
export class BulkQueue {
  private readonly queue = new Fifo<Bulk>();
  private readonly lanes = new Map<string | undefined, number>();
  /** How much of the first frame is taken. */
  private takenOfFirst = 0;
  private waitingBytes = 0;

  /** @param partBytes the longest frame that goes in one piece */
  constructor(private readonly partBytes: number) {}

  get bytes(): number {
    return this.waitingBytes;
  }

  /** Whether messages of this lane wait here. */
  has(lane: string | undefined): boolean {
    return lane !== undefined && this.lanes.size > 0 && this.lanes.has(lane);
  }

  /** Returns `false`: nothing is copied. */
  push(bulk: Bulk): false {
    this.queue.push(bulk);
    this.lanes.set(bulk.lane, (this.lanes.get(bulk.lane) ?? 0) + 1);
    this.waitingBytes += bulk.frame.length;
    return false;
  }

  /** The ticket of the message that was pushed last. */
  ticket(): Ticket {
    return (this.queue.last!.ticket ??= new Ticket(0));
  }

  /** Adds about one part to `buffers`, and to `tickets` those of messages that it completes. */
  take(smallAt: number, buffers: Buffer[], tickets: Ticket[]): void {
    let room = this.partBytes;
    for (let bulk = this.queue.first; bulk && bulk.afterAt <= smallAt && room > 0; bulk = this.queue.first) {
      room -= this.takeOf(bulk, buffers);
      if (this.takenOfFirst < bulk.frame.length) continue;
      this.shift(bulk);
      if (bulk.ticket) tickets.push(bulk.ticket);
    }
  }

  /** The first message starts anew: what was taken of it goes nowhere. */
  rewind(): void {
    this.waitingBytes += this.takenOfFirst;
    this.takenOfFirst = 0;
  }

  /** Forgets everything; returns the tickets. */
  clear(): Ticket[] {
    this.waitingBytes = 0;
    this.takenOfFirst = 0;
    this.lanes.clear();
    return this.queue.drain().flatMap(({ ticket }) => ticket ?? []);
  }

  private takeOf({ frame }: Bulk, buffers: Buffer[]): number {
    if (frame.length - LENGTH_BYTES <= this.partBytes) {
      buffers.push(frame);
      return this.taken(frame.length);
    }
    // The parts hold the frame without its length.
    if (this.takenOfFirst === 0) this.taken(LENGTH_BYTES);
    const start = this.takenOfFirst;
    const end = Math.min(frame.length, start + this.partBytes - 1);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    writeHeader(header, 0, 1 + end - start, end === frame.length ? FrameKind.lastPart : FrameKind.part);
    buffers.push(header, frame.subarray(start, end));
    return HEADER_BYTES + this.taken(end - start);
  }

  private taken(bytes: number): number {
    this.takenOfFirst += bytes;
    this.waitingBytes -= bytes;
    return bytes;
  }

  private shift({ lane }: Bulk): void {
    this.queue.shift();
    this.takenOfFirst = 0;
    const left = this.lanes.get(lane)! - 1;
    if (left === 0) this.lanes.delete(lane);
    else this.lanes.set(lane, left);
  }
}
