import { Packr, RESERVE_START_SPACE } from 'msgpackr';
import { describeError, PeerageError } from '../errors/peerage-error.js';
import { isPlainMsgpack } from './plain-msgpack.js';

/** On the wire: 4 bytes length of what follows (big-endian), 1 byte kind, the body as MessagePack. */
export const LENGTH_BYTES = 4;
export const HEADER_BYTES = LENGTH_BYTES + 1;

/** Bodies up to this size are decoded in one buffer that is used again and again: a third faster. */
const SCRATCH_BYTES = 4096;

/** One encoded frame, header included. */
export type Frame = Buffer;

type CodecOptions = Omit<NonNullable<ConstructorParameters<typeof Packr>[0]>, 'int64AsType'> & {
  // msgpackr knows `auto` (a number where that is exact, else a bigint), its types don't.
  int64AsType: 'auto';
};

const options: CodecOptions = {
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  moreTypes: true,
  useBigIntExtension: true,
  copyBuffers: true,
  int64AsType: 'auto',
};

const codec = new Packr(options as unknown as ConstructorParameters<typeof Packr>[0]);
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Encodes one frame. A body that is undefined takes no bytes.
 *
 * @throws PeerageError `INVALID_MESSAGE` when the body cannot be encoded, or is longer than `maxBytes`.
 */
export function encodeFrame(kind: number, body: unknown, maxBytes: number): Frame {
  const frame = body === undefined ? Buffer.allocUnsafe(HEADER_BYTES) : encodeBody(body);
  const length = frame.length - LENGTH_BYTES;
  if (length > maxBytes) {
    throw new PeerageError(
      'INVALID_MESSAGE',
      `The message takes ${length} bytes and a frame may have ${maxBytes}: send less at once, or raise limits.frameBytes on every node.`,
    );
  }
  frame.writeUInt32BE(length, 0);
  frame[LENGTH_BYTES] = kind;
  return frame;
}

/**
 * Decodes the body that lies between two offsets. Nothing in the result refers to `bytes`.
 *
 * @throws PeerageError `MALFORMED_FRAME`
 */
export function decodeBody(bytes: Buffer, start: number, end: number): unknown {
  if (start === end) return undefined;
  if (!isPlainMsgpack(bytes, start, end)) throw malformed();
  try {
    const length = end - start;
    if (length > SCRATCH_BYTES) return codec.unpack(bytes.subarray(start, end));
    bytes.copy(scratch, 0, start, end);
    return codec.unpack(scratch, length);
  } catch (error) {
    throw malformed(error);
  }
}

function encodeBody(body: unknown): Buffer {
  let frame: Buffer;
  try {
    frame = codec.pack(body, RESERVE_START_SPACE + HEADER_BYTES);
  } catch (error) {
    throw unencodable(describeError(error), error);
  }
  if (!isPlainMsgpack(frame, HEADER_BYTES, frame.length)) {
    throw unencodable('it holds an Error, a RegExp, a Map with objects as keys, or is nested too deep');
  }
  return frame;
}

function unencodable(why: string, cause?: unknown): PeerageError {
  return new PeerageError(
    'INVALID_MESSAGE',
    `The message cannot be sent: ${why}. Send plain data: what JSON knows, and binaries, dates, sets and big integers.`,
    { cause },
  );
}

function malformed(cause?: unknown): PeerageError {
  return new PeerageError('MALFORMED_FRAME', 'A frame arrived whose body is no MessagePack of ours.', {
    cause,
  });
}
