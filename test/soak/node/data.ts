import { createCipheriv } from 'node:crypto';

const MIB = 1024 * 1024;

/** The longest message, and beyond it room to begin at different places. */
export const MAX_BYTES = 12 * MIB;
const SHIFTS = 4_093;

/** What share of messages has from how many to how many bytes. */
const SIZES: readonly (readonly [share: number, from: number, to: number])[] = [
  [0.1, 0, 0],
  [0.7, 16, 1_024],
  [0.155, 1_024, 32 * 1_024],
  [0.0365, 32 * 1_024, 256 * 1_024],
  [0.0075, 256 * 1_024, 3 * MIB],
  [0.001, 5 * MIB, MAX_BYTES],
];

/** What handlers get. */
export interface SoakMessage {
  /** Boot id of the sender. */
  readonly from: string;
  /** Its place among all that the sender has sent on this topic. */
  readonly number: number;
  readonly by: 'send' | 'broadcast' | 'request';
  /** So many bytes are wanted in the answer. */
  readonly answerBytes: number;
  readonly bytes: Buffer;
}

/** What requests are answered with. */
export interface SoakAnswer {
  /** Boot id of who answers. */
  readonly from: string;
  /** Boot id, topic and number of the question. */
  readonly to: string;
  readonly topic: string;
  readonly number: number;
  readonly bytes: Buffer;
}

export function sizeOf(random: () => number): number {
  let at = random();
  const size = SIZES.find(([share]) => (at -= share) < 0) ?? SIZES[0]!;
  return Math.floor(size[1] + random() * (size[2] - size[1]));
}

/** Bytes that repeat nowhere, the same in every process: what arrives in the wrong place is seen. */
export class Pattern {
  private readonly all = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(
    Buffer.alloc(MAX_BYTES + SHIFTS),
  );

  /** Shared, not to be written to. */
  bytes(number: number, length: number): Buffer {
    const start = number % SHIFTS;
    return this.all.subarray(start, start + length);
  }

  isRight(number: number, length: number, bytes: unknown): boolean {
    return Buffer.isBuffer(bytes) && bytes.equals(this.bytes(number, length));
  }
}
