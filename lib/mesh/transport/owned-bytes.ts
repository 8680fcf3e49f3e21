import { Fifo } from './fifo.js';

/** Short pieces are copied one behind the other into slabs of this size. */
const SLAB_BYTES = 16 * 1024;

/** Bytes from `start` to `end` of a slab. */
export interface Piece {
  readonly slab: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Bytes that wait, first in, first out, in slabs that hold nothing else: what they take is about what waits, and
 * a slab at each end.
 */
export class OwnedBytes {
  private readonly pieces = new Fifo<{ slab: Buffer; start: number; end: number }>();
  private waitingBytes = 0;
  private slabBytes = 0;
  private own = Buffer.alloc(0);
  private ownEnd = 0;

  get bytes(): number {
    return this.waitingBytes;
  }

  /** Of all slabs in which something waits. */
  get heldBytes(): number {
    return this.slabBytes;
  }

  /** Adds bytes of a slab that is ours. */
  add(slab: Buffer, start: number, end: number): void {
    this.waitingBytes += end - start;
    const { last } = this.pieces;
    if (last?.slab === slab && last.end === start) {
      last.end = end;
      return;
    }
    if (last?.slab !== slab) this.slabBytes += slab.length;
    this.pieces.push({ slab, start, end });
  }

  /** Adds a copy. Returns where it is. */
  copy(slab: Buffer, start: number, end: number): Piece {
    const length = end - start;
    if (this.own.length - this.ownEnd < length) {
      this.own = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, length));
      this.ownEnd = 0;
    }
    const at = this.ownEnd;
    this.ownEnd += slab.copy(this.own, at, start, end);
    const piece = { slab: this.own, start: at, end: this.ownEnd };
    this.add(piece.slab, piece.start, piece.end);
    // A long one leaves nothing for others to hold on to.
    if (this.ownEnd === this.own.length) this.own = Buffer.alloc(0);
    if (this.own.length === 0) this.ownEnd = 0;
    return piece;
  }

  /** Takes at least one piece, and no other when that is enough. */
  take(bytes: number): Buffer[] {
    const taken: Buffer[] = [];
    let left = bytes;
    while (left > 0 && this.pieces.length > 0) {
      const { slab, start, end } = this.pieces.shift()!;
      taken.push(slab.subarray(start, end));
      left -= end - start;
      this.gone(slab, end - start);
    }
    return taken;
  }

  /** The first bytes, which are those of this piece, are done with. */
  drop({ start, end }: Piece): void {
    const first = this.pieces.first!;
    first.start += end - start;
    if (first.start === first.end) this.pieces.shift();
    this.gone(first.slab, end - start);
  }

  clear(): void {
    this.pieces.drain();
    this.waitingBytes = 0;
    this.slabBytes = 0;
  }

  private gone(slab: Buffer, bytes: number): void {
    this.waitingBytes -= bytes;
    if (this.pieces.first?.slab !== slab) this.slabBytes -= slab.length;
  }
}
