import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { FrameReader } from '../../../lib/wire/frame-reader.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import { encodeFrame, LENGTH_BYTES } from '../../../lib/wire/frame-writer.js';
import { sendableJson } from '../../support/sendable-json.js';

const LIMIT = 10_000;

function reader(maxBytes = LIMIT, judgeFirst?: (header: Buffer) => PeerageError | undefined) {
  const frames: [number, unknown][] = [];
  const errors: PeerageError[] = [];
  const handlers = {
    frame: (kind: number, body: unknown) => void frames.push([kind, body]),
    failed: (error: PeerageError) => void errors.push(error),
  };
  return { frames, errors, handlers, reader: new FrameReader(maxBytes, handlers, judgeFirst) };
}

const header = (length: number, ...rest: number[]) => {
  const bytes = Buffer.alloc(4 + rest.length);
  bytes.writeUInt32BE(length);
  bytes.set(rest, 4);
  return bytes;
};

/** Cuts bytes at random places. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe('FrameReader', () => {
  it('tells of kinds that it does not know, and does not read what is in them', () => {
    const read = reader();
    read.reader.push(Buffer.concat([header(3, 200, 0xc1, 0xc1), encodeFrame(FrameKind.digest, 1, LIMIT)]));
    expect(read.frames).toEqual([
      [200, undefined],
      [FrameKind.digest, 1],
    ]);
    expect(read.errors).toEqual([]);
  });

  it('finds the same frames however the stream is cut', () => {
    const bodies = fc.array(
      fc.oneof(fc.constant(undefined), sendableJson, fc.uint8Array({ maxLength: 5000 })),
      {
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 30 }), (values, cuts) => {
        const stream = Buffer.concat(values.map((value, kind) => encodeFrame(kind, value, 1e6)));
        const whole = reader();
        whole.reader.push(stream);
        const cut = reader();
        for (const piece of pieces(stream, cuts)) {
          const reused = Buffer.from(piece);
          cut.reader.push(reused);
          reused.fill(0xee);
        }
        expect(whole.frames).toHaveLength(values.length);
        expect(cut.frames).toEqual(whole.frames);
        expect(cut.errors).toEqual([]);
      }),
    );
  });

  it('finds frames that come byte by byte', () => {
    const { reader: read, frames } = reader();
    const stream = Buffer.concat(
      [1, 2, 3].map((kind) => encodeFrame(kind, { text: 'x'.repeat(3000) }, LIMIT)),
    );
    for (const byte of stream) read.push(Buffer.from([byte]));
    expect(frames.map(([kind]) => kind)).toEqual([1, 2, 3]);
  });

  it('never throws on random bytes, and never holds more than a frame and a message may have', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 400 }).map((rest) => Uint8Array.from([...header(rest.length), ...rest])),
      fc.nat(2 * LIMIT).map((length) => Uint8Array.from([...header(length), 1, 2, 3])),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 10 }), (chunks) => {
        const { reader: read, errors } = reader();
        for (const chunk of chunks) {
          read.push(Buffer.from(chunk));
          expect(read.allocatedBytes).toBeLessThanOrEqual(2 * LIMIT + 4);
        }
        expect(errors.length).toBeLessThanOrEqual(1);
        if (errors.length > 0) expect(errors[0]!.code).toMatch(/^(MALFORMED_FRAME|FRAME_TOO_LARGE)$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('judges an announced length before it allocates anything', () => {
    for (const chunks of [
      [header(0xffffffff, 1)],
      [Buffer.from([0xff]), Buffer.from([0xff, 0xff, 0xff, 1, 2])],
    ]) {
      const { reader: read, errors } = reader();
      for (const chunk of chunks) read.push(chunk);
      expect(errors.map(({ code }) => code)).toEqual(['FRAME_TOO_LARGE']);
      expect(read.allocatedBytes).toBe(0);
    }
  });

  it('takes no more memory for a large frame than has come of it', () => {
    const { reader: read } = reader(4 * 1024 * 1024);
    read.push(header(4 * 1024 * 1024, 1, 2, 3));
    expect(read.allocatedBytes).toBeLessThan(5_000);
    read.push(Buffer.alloc(100_000));
    expect(read.allocatedBytes).toBeLessThan(300_000);
  });

  it('gives the memory of a large frame back', () => {
    const { reader: read, frames } = reader(1e6);
    const frame = encodeFrame(1, Buffer.alloc(500_000), 1e6);
    read.push(frame.subarray(0, 1000));
    read.push(frame.subarray(1000));
    expect(frames).toHaveLength(1);
    expect(read.allocatedBytes).toBe(0);
  });

  it('fails on an empty frame, and on a body it cannot read', () => {
    const empty = reader();
    empty.reader.push(Buffer.alloc(5));
    expect(empty.errors[0]?.code).toBe('MALFORMED_FRAME');
    const broken = reader();
    broken.reader.push(header(3, 1, 0xc1, 0xc1));
    expect(broken.errors[0]?.code).toBe('MALFORMED_FRAME');
    expect(broken.frames).toEqual([]);
  });

  it('delivers what came before a bad frame, and nothing after it', () => {
    const { reader: read, frames, errors } = reader();
    const good = encodeFrame(1, 'good', LIMIT);
    read.push(Buffer.concat([good, Buffer.alloc(5), good]));
    read.push(good);
    expect(frames).toEqual([[1, 'good']]);
    expect(errors).toHaveLength(1);
  });

  it('stops in the middle of a chunk', () => {
    const { reader: read, frames, handlers } = reader();
    handlers.frame = (kind) => {
      frames.push([kind, undefined]);
      read.stop();
    };
    read.push(Buffer.concat([1, 2, 3].map((kind) => encodeFrame(kind, undefined, LIMIT))));
    expect(frames).toEqual([[1, undefined]]);
  });

  it('holds the next frame of the same chunk to a limit that has changed', () => {
    const { reader: read, frames, handlers } = reader(100);
    handlers.frame = (kind) => {
      frames.push([kind, undefined]);
      read.maxBytes = LIMIT;
    };
    read.push(Buffer.concat([encodeFrame(1, 'x', LIMIT), encodeFrame(2, Buffer.alloc(5000), LIMIT)]));
    expect(frames).toHaveLength(2);
  });

  it('shows the first header, and only that one, to who knows other protocols', () => {
    const seen: string[] = [];
    const judge = (first: Buffer) => {
      seen.push(first.toString('latin1'));
      return first[0] === 0x48 ? new PeerageError('NOT_PEERAGE', 'HTTP') : undefined;
    };
    const http = reader(LIMIT, judge);
    for (const byte of Buffer.from('HTTP/1.1 400')) http.reader.push(Buffer.from([byte]));
    expect(http.errors.map(({ code }) => code)).toEqual(['NOT_PEERAGE']);
    const fine = reader(LIMIT, judge);
    fine.reader.push(Buffer.concat([encodeFrame(1, 'a', LIMIT), encodeFrame(0x48, 'b', LIMIT)]));
    expect(fine.frames).toHaveLength(2);
    expect(seen).toEqual(['HTTP/', '\0\0\0\x03\x01']);
  });

  describe('puts messages together that come in parts', () => {
    const part = (bytes: Buffer, isLast = false) =>
      header(1 + bytes.length, isLast ? FrameKind.lastPart : FrameKind.part, ...bytes);
    const message = { text: 'x'.repeat(3_000), list: [1, 2, 3] };
    const content = encodeFrame(FrameKind.event, message, LIMIT).subarray(LENGTH_BYTES);

    it('with other frames between them, however the stream is cut', () => {
      fc.assert(
        fc.property(
          fc.array(fc.nat(), { maxLength: 6 }),
          fc.array(fc.nat(), { maxLength: 20 }),
          (splits, cuts) => {
            const parts = pieces(content, splits);
            const stream = Buffer.concat(
              parts.flatMap((bytes, i) => [part(bytes, i === parts.length - 1), encodeFrame(1, i, LIMIT)]),
            );
            const cut = reader();
            for (const piece of pieces(stream, cuts)) {
              const reused = Buffer.from(piece);
              cut.reader.push(reused);
              reused.fill(0xee);
            }
            expect(cut.errors).toEqual([]);
            expect(cut.frames.filter(([kind]) => kind === FrameKind.event)).toEqual([
              [FrameKind.event, message],
            ]);
            expect(cut.frames.filter(([kind]) => kind === 1).map(([, i]) => i)).toEqual(
              parts.map((_, i) => i),
            );
            expect(cut.reader.allocatedBytes).toBeLessThan(20_000);
          },
        ),
      );
    });

    it('up to a limit of their own', () => {
      const { reader: read, frames, errors } = reader();
      read.maxMessageBytes = 25_000;
      for (let i = 0; i < 2; i++) read.push(part(Buffer.alloc(9_999)));
      expect(errors).toEqual([]);
      read.push(part(Buffer.alloc(9_999)));
      expect(errors.map(({ code }) => code)).toEqual(['FRAME_TOO_LARGE']);
      expect(frames).toEqual([]);
      expect(read.allocatedBytes).toBe(0);
    });

    it('and gives the memory back, also of those that never end', () => {
      const { reader: read } = reader();
      read.push(part(Buffer.alloc(5_000)));
      expect(read.allocatedBytes).toBeGreaterThanOrEqual(5_000);
      read.stop();
      expect(read.allocatedBytes).toBe(0);
    });

    it('and fails when they are empty, or no value', () => {
      for (const bytes of [Buffer.alloc(0), Buffer.from([FrameKind.event, 0xc1])]) {
        const { reader: read, errors } = reader();
        read.push(part(bytes, true));
        expect(errors.map(({ code }) => code)).toEqual(['MALFORMED_FRAME']);
      }
    });
  });
});
