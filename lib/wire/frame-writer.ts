import { describeError, PeerageError } from '../errors/peerage-error.js';
import { describeUnsendable, UnsendableValue, type ValueName, ValueTooLarge } from './codec/unsendable.js';
import { ValueReader } from './codec/value-reader.js';
import { ValueWriter } from './codec/value-writer.js';

/** On the wire: 4 bytes length of what follows (big-endian), 1 byte kind, the body as MessagePack. */
export const LENGTH_BYTES = 4;
export const HEADER_BYTES = LENGTH_BYTES + 1;

/** One encoded frame, header included. */
export type Frame = Buffer;

const reader = new ValueReader();

/**
 * Encodes frames one behind the other, so that those for one receiver can leave as one piece. After `write`
 * the frame lies from `start` to `end` in `slab`, and stays as it is.
 */
export class FrameWriter {
  slab: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  private values: ValueWriter;
  private isBusy = false;

  /** @param slabBytes size of a slab; by default as suits one writer for all */
  constructor(private readonly slabBytes?: number) {
    this.values = new ValueWriter(slabBytes);
  }

  /**
   * A body that is undefined takes no bytes.
   *
   * @param bodyName what the body is called in errors
   * @param maxBytes of kind and body together
   * @throws PeerageError `INVALID_MESSAGE` when the body cannot be encoded, or is too long.
   */
  write(kind: number, body: unknown, maxBytes: number, bodyName: BodyName = 'data'): void {
    // A getter or a toJSON in the body may send a message of its own.
    const values = this.isBusy ? new ValueWriter(this.slabBytes) : this.values;
    const wasBusy = this.isBusy;
    this.isBusy = true;
    try {
      values.begin(HEADER_BYTES, maxBytes);
      if (body !== undefined) values.write(body);
      const length = values.at - values.start - LENGTH_BYTES;
      if (length > maxBytes) throw new ValueTooLarge();
      writeHeader(values.bytes, values.start, length, kind);
    } catch (error) {
      values.abandon();
      throw unencodable(error, bodyName, maxBytes);
    } finally {
      this.isBusy = wasBusy;
    }
    this.values = values;
    this.slab = values.bytes;
    this.start = values.start;
    this.end = values.at;
  }

  /** As `write`, with a frame that another one wrote. */
  copy(source: Buffer, start: number, end: number): void {
    const { values } = this;
    values.begin(0, end - start);
    values.copy(source, start, end);
    this.slab = values.bytes;
    this.start = values.start;
    this.end = values.at;
  }

  /** Takes the last frame back: the next one overwrites it. */
  takeBack(): void {
    this.values.abandon();
    this.slab = this.values.bytes;
  }
}

/** What the body is called in errors; for a list, what each of its parts is called. */
export type BodyName = ValueName;

const writer = new FrameWriter();

/**
 * Encodes one frame, in memory of its own.
 *
 * @throws PeerageError `INVALID_MESSAGE` when the body cannot be encoded, or is longer than `maxBytes`.
 */
export function encodeFrame(kind: number, body: unknown, maxBytes: number, bodyName?: BodyName): Frame {
  writer.write(kind, body, maxBytes, bodyName);
  const frame = Buffer.allocUnsafeSlow(writer.end - writer.start);
  writer.slab.copy(frame, 0, writer.start, writer.end);
  writer.takeBack();
  return frame;
}

/** Writes the length and the kind of a frame before its body. */
export function writeHeader(bytes: Buffer, at: number, length: number, kind: number): void {
  bytes[at] = length >>> 24;
  bytes[at + 1] = length >>> 16;
  bytes[at + 2] = length >>> 8;
  bytes[at + 3] = length;
  bytes[at + 4] = kind;
}

/**
 * Decodes the body that lies between two offsets. Nothing in the result refers to `bytes`.
 *
 * @throws PeerageError `MALFORMED_FRAME`
 */
export function decodeBody(bytes: Buffer, start: number, end: number): unknown {
  if (start === end) return undefined;
  try {
    return reader.read(bytes, start, end);
  } catch (error) {
    throw new PeerageError('MALFORMED_FRAME', 'A frame arrived whose body is no MessagePack of ours.', {
      cause: error,
    });
  }
}

function unencodable(error: unknown, name: BodyName, maxBytes: number): PeerageError {
  if (error instanceof ValueTooLarge) {
    return new PeerageError(
      'INVALID_MESSAGE',
      `The message takes more than ${maxBytes} bytes: send less at once, or raise limits.messageBytes on every node.`,
    );
  }
  const why = error instanceof UnsendableValue ? describeUnsendable(error, name) : describeError(error);
  return new PeerageError(
    'INVALID_MESSAGE',
    `The message cannot be sent: ${why}. Send plain data: what JSON knows, and dates, maps, sets, binaries, big integers and errors.`,
    error instanceof UnsendableValue ? { ...('cause' in error && { cause: error.cause }) } : { cause: error },
  );
}
