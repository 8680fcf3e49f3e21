import { PeerageError } from '../errors/peerage-error.js';
import { FrameKind, isKnownKind } from './frames.js';
import { Reassembly } from './reassembly.js';
import { decodeBody, HEADER_BYTES, LENGTH_BYTES } from './frame-writer.js';

/** A buffer for partial frames that is larger than this is given back after its frame. */
const KEPT_BYTES = 16 * 1024;
const FIRST_BYTES = 1024;
const NOTHING = Buffer.alloc(0);

/** What a reader tells its owner. */
interface FrameReaderHandlers {
  /** @param bytes of the frame; of the whole one when it came in parts */
  frame(kind: number, body: unknown, bytes: number): void;
  /** The stream makes no sense any more; the last call. */
  failed(error: PeerageError): void;
}

/**
 * Cuts a stream of bytes into frames. A frame's announced length is judged before anything is allocated for
 * it, and what is held of a partial frame grows only with the bytes that really came.
 */
export class FrameReader {
  private partial = NOTHING;
  private partialBytes = 0;
  private isStopped = false;
  private isFirst = true;
  private readonly assembly = new Reassembly();
  /** The longest message that is put together of parts. */
  maxMessageBytes: number;

  /**
   * @param maxBytes the longest frame that is taken, as its length field says it
   * @param judgeFirst looks at the first header of the stream, before its frame
   */
  constructor(
    public maxBytes: number,
    private readonly handlers: FrameReaderHandlers,
    private readonly judgeFirst?: (header: Buffer) => PeerageError | undefined,
  ) {
    this.maxMessageBytes = maxBytes;
  }

  /** Memory held for a frame, and for a message, that is not whole yet. */
  get allocatedBytes(): number {
    return this.partial.length + this.assembly.allocatedBytes;
  }

  /** Takes the next bytes of the stream; the buffer may be used again afterwards. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.isStopped) {
      at = this.partialBytes > 0 ? this.complete(chunk, at) : this.begin(chunk, at);
    }
  }

  /** Nothing is delivered any more, not even from the chunk at hand. */
  stop(): void {
    this.isStopped = true;
    this.assembly.clear();
    this.partial = NOTHING;
    this.partialBytes = 0;
  }

  /** Reads at a frame's start: the frame is delivered when it is whole, and kept in part otherwise. */
  private begin(chunk: Buffer, at: number): number {
    if (chunk.length - at < HEADER_BYTES) return this.keep(chunk, at, chunk.length, HEADER_BYTES);
    const end = at + this.frameBytes(chunk, at);
    if (this.isStopped) return end;
    if (end > chunk.length) return this.keep(chunk, at, chunk.length, end - at);
    this.deliver(chunk, at, end);
    return end;
  }

  /** Adds to the partial frame: first its header, then the rest. */
  private complete(chunk: Buffer, at: number): number {
    const hasHeader = this.partialBytes >= HEADER_BYTES;
    const wanted = hasHeader ? this.frameBytes(this.partial, 0) : HEADER_BYTES;
    if (this.isStopped) return chunk.length;
    const end = this.keep(chunk, at, Math.min(chunk.length, at + wanted - this.partialBytes), wanted);
    if (this.partialBytes < HEADER_BYTES) return end;
    const total = this.frameBytes(this.partial, 0);
    if (!this.isStopped && this.partialBytes === total) this.deliverPartial(total);
    return end;
  }

  private keep(chunk: Buffer, start: number, end: number, wanted: number): number {
    const bytes = this.partialBytes + end - start;
    if (bytes > this.partial.length) this.grow(bytes, wanted);
    chunk.copy(this.partial, this.partialBytes, start, end);
    this.partialBytes = bytes;
    return end;
  }

  /** Doubles, so that a frame that comes byte by byte is not copied byte by byte; never beyond the frame. */
  private grow(bytes: number, wanted: number): void {
    const doubled = Math.max(FIRST_BYTES, 2 * this.partial.length, bytes);
    const larger = Buffer.allocUnsafeSlow(Math.min(doubled, wanted));
    this.partial.copy(larger, 0, 0, this.partialBytes);
    this.partial = larger;
  }

  private deliverPartial(total: number): void {
    const frame = this.partial;
    this.partialBytes = 0;
    if (frame.length > KEPT_BYTES) this.partial = NOTHING;
    this.deliver(frame, 0, total);
  }

  private deliver(bytes: Buffer, start: number, end: number): void {
    const kind = bytes[start + LENGTH_BYTES]!;
    if (kind === FrameKind.part || kind === FrameKind.lastPart) this.assemble(kind, bytes, start, end);
    else this.decode(kind, bytes, start + HEADER_BYTES, end);
  }

  private assemble(kind: number, bytes: Buffer, start: number, end: number): void {
    try {
      this.assembly.add(bytes, start + HEADER_BYTES, end, this.maxMessageBytes);
    } catch (error) {
      this.fail(error as PeerageError);
      return;
    }
    if (kind !== FrameKind.lastPart) return;
    const message = this.assembly.finish();
    if (message.length === 0) this.fail(new PeerageError('MALFORMED_FRAME', 'An empty message arrived.'));
    else this.decode(message[0]!, message, 1, message.length);
  }

  private decode(kind: number, bytes: Buffer, start: number, end: number): void {
    let body: unknown;
    try {
      // Frames of a newer version may hold what only that one can read.
      if (isKnownKind(kind)) body = decodeBody(bytes, start, end);
    } catch (error) {
      this.fail(error as PeerageError);
      return;
    }
    this.isFirst = false;
    this.handlers.frame(kind, body, HEADER_BYTES + end - start);
  }

  /** The bytes of the frame that starts at `at`, its length field included. Fails when there may be no such frame. */
  private frameBytes(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at);
    const stranger = this.isFirst ? this.judgeFirst?.(bytes.subarray(at, at + HEADER_BYTES)) : undefined;
    if (stranger) this.fail(stranger);
    else if (length === 0) this.fail(new PeerageError('MALFORMED_FRAME', 'An empty frame arrived.'));
    else if (length > this.maxBytes) this.fail(tooLarge(length, this.maxBytes));
    return LENGTH_BYTES + length;
  }

  private fail(error: PeerageError): void {
    if (this.isStopped) return;
    this.stop();
    this.handlers.failed(error);
  }
}

function tooLarge(length: number, maxBytes: number): PeerageError {
  return new PeerageError(
    'FRAME_TOO_LARGE',
    `A frame of ${length} bytes was announced and at most ${maxBytes} are taken here: send less at once, or raise limits.frameBytes on every node.`,
  );
}
