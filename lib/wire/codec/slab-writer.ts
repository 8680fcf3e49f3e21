import { ValueTooLarge } from './unsendable.js';

/** Values are written one after the other into slabs of this size. */
const SLAB_BYTES = 64 * 1024;
/** A value is not begun in a slab with less room than this. */
const SPARE_BYTES = 1024;
/** What a number, or the header of anything, takes at most. */
export const HEADER_ROOM = 16;

/** Memory for values, taken in slabs. What was written is never touched again: the next value follows behind it. */
export abstract class SlabWriter {
  /** The slab at hand. */
  bytes: Buffer = Buffer.alloc(0);
  /** Where the value at hand starts in it. */
  start = 0;
  /** Where its next byte goes. */
  at = 0;
  protected view = new DataView(this.bytes.buffer);
  protected maxBytes = 0;

  constructor(private readonly slabBytes = SLAB_BYTES) {}

  /** Begins a value: leaves some bytes free before it, and holds both together to a limit. */
  begin(headerBytes: number, maxBytes: number): void {
    if (this.bytes.length - this.at < SPARE_BYTES) this.take(Buffer.allocUnsafeSlow(this.slabBytes), 0);
    this.start = this.at;
    this.at += headerBytes;
    this.maxBytes = headerBytes + maxBytes;
  }

  /** Forgets the value at hand. */
  abandon(): void {
    this.at = this.start;
    // The slab of a long one is not kept for short ones.
    if (this.bytes.length > this.slabBytes) this.take(Buffer.alloc(0), 0);
    this.start = this.at;
  }

  /** Takes over a value that another writer wrote, with what is before it. */
  copy(source: Buffer, start: number, end: number): void {
    if (this.bytes.length - this.at < end - start) this.grow(end - start);
    this.at += source.copy(this.bytes, this.at, start, end);
  }

  protected raw(content: Uint8Array, length: number): void {
    if (this.bytes.length - this.at < length) this.grow(length);
    this.bytes.set(content, this.at);
    this.at += length;
  }

  protected uint16(value: number): void {
    this.view.setUint16(this.at, value);
    this.at += 2;
  }

  protected uint32(value: number): void {
    this.view.setUint32(this.at, value);
    this.at += 4;
  }

  protected makeRoomFor(text: string): void {
    // At least a byte a unit: most that is too long need not be looked through.
    this.refuseBeyond(text.length);
    const size = Buffer.byteLength(text);
    this.refuseBeyond(size);
    if (this.bytes.length - this.at < size + HEADER_ROOM) this.grow(size + HEADER_ROOM);
  }

  /** Moves the value at hand to a slab where it has room for so many bytes more. */
  protected grow(more: number): void {
    this.refuseBeyond(more - HEADER_ROOM);
    const written = this.at - this.start;
    const room = Math.min(2 * written, this.maxBytes) + more;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.slabBytes, room));
    this.bytes.copy(larger, 0, this.start, this.at);
    this.take(larger, written);
    this.start = 0;
  }

  /** With so many bytes more the value is longer than it may be: no memory is taken for that. */
  private refuseBeyond(more: number): void {
    if (this.at - this.start + more > this.maxBytes) throw new ValueTooLarge();
  }

  private take(slab: Buffer, at: number): void {
    this.bytes = slab;
    this.view = new DataView(slab.buffer, slab.byteOffset, slab.length);
    this.at = at;
  }
}
