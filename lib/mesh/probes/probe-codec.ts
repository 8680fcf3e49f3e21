import { createHmac, timingSafeEqual } from 'node:crypto';

/** `PGP2`, kind, from, to, count, nonce, milliseconds, MAC. A probe and its answer have the same size: nothing is amplified. */
const MAGIC = Buffer.from('PGP2');
const KIND_AT = 4;
const FROM_AT = 5;
const TO_AT = 21;
const COUNT_AT = 37;
const COUNT_BYTES = 6;
const NONCE_AT = 43;
const MS_AT = 51;
const MAC_AT = 55;
const MAC_BYTES = 16;
export const PROBE_BYTES = MAC_AT + MAC_BYTES;
export const NONCE_BYTES = 8;

const KINDS = { probe: 1, answer: 2 } as const;

/** One UDP probe, or the answer to it. */
export interface Probe {
  readonly kind: keyof typeof KINDS;
  /** Boot ids, 32 hex digits. */
  readonly from: string;
  readonly to: string;
  /** Rises with each probe of this sender to this receiver: one that was recorded is known. An answer repeats it. */
  readonly count: number;
  /** 16 hex digits that nobody can guess: an answer repeats the probe's. */
  readonly nonce: string;
  /**
   * In a probe: for how long its sender has not heard whom it probes, 0 when it has. In an answer: how far the
   * answerer's main loop is behind. Whole milliseconds.
   */
  readonly ms: number;
}

/** Both directions carry a MAC under the key of the node that is probed. */
export function encodeProbe({ kind, from, to, count, nonce, ms }: Probe, key: Uint8Array): Buffer {
  const bytes = Buffer.alloc(PROBE_BYTES);
  MAGIC.copy(bytes);
  bytes[KIND_AT] = KINDS[kind];
  bytes.write(from, FROM_AT, 'hex');
  bytes.write(to, TO_AT, 'hex');
  bytes.writeUIntBE(count, COUNT_AT, COUNT_BYTES);
  bytes.write(nonce, NONCE_AT, 'hex');
  bytes.writeUInt32BE(Math.min(Math.round(ms), 0xffffffff), MS_AT);
  mac(bytes, key).copy(bytes, MAC_AT);
  return bytes;
}

/**
 * What a datagram says, its MAC unchecked: look at it, choose the key, then ask `isGenuine`. Undefined for
 * anything that is no probe.
 */
export function readProbe(bytes: Buffer): Probe | undefined {
  if (bytes.length !== PROBE_BYTES || !bytes.subarray(0, KIND_AT).equals(MAGIC)) return undefined;
  const kind =
    bytes[KIND_AT] === KINDS.probe ? 'probe' : bytes[KIND_AT] === KINDS.answer ? 'answer' : undefined;
  if (kind === undefined) return undefined;
  return {
    kind,
    from: bytes.toString('hex', FROM_AT, TO_AT),
    to: bytes.toString('hex', TO_AT, COUNT_AT),
    count: bytes.readUIntBE(COUNT_AT, COUNT_BYTES),
    nonce: bytes.toString('hex', NONCE_AT, MS_AT),
    ms: bytes.readUInt32BE(MS_AT),
  };
}

/** Whether the datagram's MAC was made with `key`. */
export function isGenuine(bytes: Buffer, key: Uint8Array): boolean {
  return timingSafeEqual(mac(bytes, key), bytes.subarray(MAC_AT, PROBE_BYTES));
}

function mac(bytes: Buffer, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(0, MAC_AT)).digest().subarray(0, MAC_BYTES);
}
