import { PeerageError } from '../errors/peerage-error.js';

const FIRST_BYTES = 128 * 1024;
const NOTHING = Buffer.alloc(0);

/** The message that comes in parts at this moment: on a link there is one at a time. */
export class Reassembly {
  private bytes = NOTHING;
  private length = 0;

  /** Memory held. */
  get allocatedBytes(): number {
    return this.bytes.length;
  }

  /** @throws PeerageError `FRAME_TOO_LARGE` when the message becomes longer than `maxBytes`. */
  add(part: Buffer, start: number, end: number, maxBytes: number): void {
    const length = this.length + end - start;
    if (length > maxBytes) throw tooLarge(length, maxBytes);
    if (length > this.bytes.length) this.grow(length, maxBytes);
    part.copy(this.bytes, this.length, start, end);
    this.length = length;
  }

  /** The whole message: its kind, and its body. */
  finish(): Buffer {
    const message = this.bytes.subarray(0, this.length);
    this.clear();
    return message;
  }

  clear(): void {
    this.bytes = NOTHING;
    this.length = 0;
  }

  /** Doubles, so that it never holds more than about twice what came. */
  private grow(length: number, maxBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(FIRST_BYTES, 2 * length), maxBytes));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

function tooLarge(length: number, maxBytes: number): PeerageError {
  return new PeerageError(
    'FRAME_TOO_LARGE',
    `A message of ${length} bytes and more came in parts, and at most ${maxBytes} are taken here: send less at once, or raise limits.messageBytes on every node.`,
  );
}
