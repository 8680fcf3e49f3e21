import { describe, expect, it } from 'vitest';
import { decodeBody, encodeFrame, FrameWriter, HEADER_BYTES } from '../../../lib/wire/frame-writer.js';

const LIMIT = 4 * 1024 * 1024;

const roundTrip = (body: unknown): unknown => {
  const frame = encodeFrame(7, body, LIMIT);
  return decodeBody(frame, HEADER_BYTES, frame.length);
};
const unsendable = (message: unknown) => expect.objectContaining({ code: 'INVALID_MESSAGE', message });

describe('a frame', () => {
  it('is a length of kind and body, a kind, and the body', () => {
    expect(encodeFrame(9, 'hi', LIMIT)).toEqual(Buffer.from([0, 0, 0, 4, 9, 0xa2, 0x68, 0x69]));
  });

  it('has no body when that is undefined', () => {
    expect(encodeFrame(4, undefined, LIMIT)).toEqual(Buffer.from([0, 0, 0, 1, 4]));
    expect(roundTrip(undefined)).toBeUndefined();
  });

  it('holds nothing of the buffer it was decoded from', () => {
    for (const size of [10, 10_000]) {
      const sent = {
        bytes: Buffer.alloc(size, 1),
        floats: new Float64Array(size).fill(1),
        text: 'x'.repeat(size),
      };
      const frame = encodeFrame(1, sent, LIMIT);
      const received = decodeBody(frame, HEADER_BYTES, frame.length) as typeof sent;
      frame.fill(0xff);
      roundTrip(Buffer.alloc(size, 0xee));
      expect(received).toEqual(sent);
      expect(Buffer.isBuffer(received.bytes)).toBe(true);
      expect(received.bytes.buffer).not.toBe(frame.buffer);
      expect(received.floats.buffer).not.toBe(frame.buffer);
    }
  });

  it('is not longer than the limit', () => {
    const body = Buffer.alloc(100);
    expect(encodeFrame(1, body, 103)).toHaveLength(107);
    expect(() => encodeFrame(1, body, 102)).toThrow(
      unsendable(expect.stringContaining('more than 102 bytes')),
    );
    expect(() => encodeFrame(1, Buffer.alloc(1e6), 102)).toThrow(
      unsendable(expect.stringContaining('102 bytes')),
    );
  });

  it('says what cannot be sent, and why', () => {
    expect(() => encodeFrame(1, { a: [() => {}] }, LIMIT)).toThrow(
      unsendable(expect.stringMatching(/^The message cannot be sent: data\.a\[0\] is a function\./)),
    );
    const thrown = new Error('no amount');
    const body = {
      toJSON: undefined,
      price: new (class {
        toJSON() {
          throw thrown;
        }
      })(),
    };
    expect(() => encodeFrame(1, body, LIMIT)).toThrow(
      expect.objectContaining({
        code: 'INVALID_MESSAGE',
        message: expect.stringContaining('data.price.toJSON() cannot be read: no amount'),
        cause: thrown,
      }),
    );
  });

  it('is malformed when its body is', () => {
    expect(() => decodeBody(Buffer.from([0xc1]), 0, 1)).toThrow(
      expect.objectContaining({ code: 'MALFORMED_FRAME' }),
    );
  });
});

describe('a writer of frames', () => {
  const taken = ({ slab, start, end }: FrameWriter) => Buffer.from(slab.subarray(start, end));

  it('puts one behind the other, and each stays as it is', () => {
    const writer = new FrameWriter();
    const frames = Array.from({ length: 5_000 }, (_, i) => {
      const before = { slab: writer.slab, end: writer.end };
      writer.write(1, { i, text: 'x'.repeat(i % 60) }, LIMIT);
      if (before.slab === writer.slab) expect(writer.start).toBe(before.end);
      return { i, bytes: writer.slab.subarray(writer.start, writer.end), copy: taken(writer) };
    });
    for (const { bytes, copy } of frames) expect(bytes.equals(copy)).toBe(true);
  });

  it('writes over what was taken back, and over what failed', () => {
    const writer = new FrameWriter();
    writer.write(1, 'kept', LIMIT);
    const { end } = writer;
    writer.write(1, 'taken back', LIMIT);
    writer.takeBack();
    expect(() => writer.write(1, ['good', () => {}], LIMIT)).toThrow('data[1] is a function');
    writer.write(1, 'next', LIMIT);
    expect(writer.start).toBe(end);
    expect(taken(writer)).toEqual(encodeFrame(1, 'next', LIMIT));
  });

  it('may be used while it writes: what is sent may send something itself', () => {
    const writer = new FrameWriter();
    const inner: Buffer[] = [];
    const sends = (text: string, more: unknown) =>
      new (class {
        toJSON() {
          writer.write(2, more, LIMIT);
          inner.push(taken(writer));
          return text;
        }
      })();
    writer.write(1, ['before', sends('a', ['deep', sends('b', 'deeper')]), 'after'], LIMIT);
    expect(taken(writer)).toEqual(encodeFrame(1, ['before', 'a', 'after'], LIMIT));
    expect(inner).toEqual([encodeFrame(2, 'deeper', LIMIT), encodeFrame(2, ['deep', 'b'], LIMIT)]);
    expect(() => writer.write(1, [sends('a', () => {})], LIMIT)).toThrow(
      expect.objectContaining({ code: 'INVALID_MESSAGE' }),
    );
    writer.write(1, 'fine', LIMIT);
    expect(taken(writer)).toEqual(encodeFrame(1, 'fine', LIMIT));
  });
});
