import fc from 'fast-check';
import { addExtension, Packr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeBody, encodeFrame, HEADER_BYTES } from '../../../lib/mesh/frames.js';
import { isPlainMsgpack, MAX_DEPTH } from '../../../lib/mesh/plain-msgpack.js';

const LIMIT = 4 * 1024 * 1024;

const roundTrip = (body: unknown): unknown => {
  const frame = encodeFrame(7, body, LIMIT);
  return decodeBody(frame, HEADER_BYTES, frame.length);
};
const decode = (...bytes: number[]) => decodeBody(Buffer.from(bytes), 0, bytes.length);
const malformed = expect.objectContaining({ code: 'MALFORMED_FRAME' });
const unsendable = expect.objectContaining({ code: 'INVALID_MESSAGE' });
const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);

describe('a frame', () => {
  it('is a length of kind and body, a kind, and the body', () => {
    expect(encodeFrame(9, 'hi', LIMIT)).toEqual(Buffer.from([0, 0, 0, 4, 9, 0xa2, 0x68, 0x69]));
  });

  it('has no body when that is undefined', () => {
    expect(encodeFrame(4, undefined, LIMIT)).toEqual(Buffer.from([0, 0, 0, 1, 4]));
    expect(roundTrip(undefined)).toBeUndefined();
  });

  it('carries plain data', () => {
    const plain = fc.anything({
      withBigInt: true,
      withDate: true,
      withTypedArray: true,
      withSet: true,
      withNullPrototype: false,
      key: fc.string().filter((key) => key !== '__proto__'),
    });
    fc.assert(
      fc.property(plain, (value) => {
        fc.pre(!changesOnPurpose(value));
        expect(roundTrip(value)).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('gives integers of 64 bits as numbers where that is exact', () => {
    expect(roundTrip(5n)).toBe(5);
    expect(roundTrip(2n ** 60n)).toBe(2n ** 60n);
    expect(roundTrip(-(2n ** 100n))).toBe(-(2n ** 100n));
    expect(roundTrip(Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('gives what toJSON gives for objects that have it, and objects for maps', () => {
    expect(roundTrip(new Money(5))).toBe('5 EUR');
    expect(
      roundTrip(
        new Map<unknown, unknown>([
          ['a', 1],
          [2, 'b'],
        ]),
      ),
    ).toEqual({ a: 1, 2: 'b' });
  });

  it('carries more than 65535 keys', () => {
    const large = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]));
    expect(Object.keys(roundTrip(large) as object)).toHaveLength(70_000);
  });

  it('holds nothing of the buffer it was decoded from', () => {
    for (const size of [10, 10_000]) {
      const frame = encodeFrame(
        1,
        { bytes: Buffer.alloc(size, 1), floats: new Float64Array(size).fill(1) },
        LIMIT,
      );
      const { bytes, floats } = decodeBody(frame, HEADER_BYTES, frame.length) as {
        bytes: Buffer;
        floats: Float64Array;
      };
      frame.fill(0xff);
      roundTrip(Buffer.alloc(size, 0xee));
      expect(Buffer.isBuffer(bytes) && bytes.equals(Buffer.alloc(size, 1))).toBe(true);
      expect(floats.every((value) => value === 1)).toBe(true);
      expect(bytes.buffer).not.toBe(frame.buffer);
    }
  });

  it('cannot pollute prototypes', () => {
    const key = [0xa9, ...Buffer.from('__proto__')];
    const polluted = [0x81, 0xa8, ...Buffer.from('polluted'), 0xc3];
    const results = [
      decode(0x81, ...key, ...polluted),
      decode(0xde, 0, 1, ...key, ...polluted),
      decode(0x81, 0xd9, 9, ...key.slice(1), ...polluted),
    ] as object[];
    for (const result of results) {
      expect(Object.getPrototypeOf(result)).toBe(Object.prototype);
      expect((result as { polluted?: boolean }).polluted).toBeUndefined();
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const constructor = roundTrip({ constructor: { prototype: { polluted: true } } });
    expect(constructor).toEqual({ constructor: { prototype: { polluted: true } } });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it.each([
    ['a function that is no data', Symbol('s')],
    ['an error', { error: new Error('x') }],
    ['a regular expression', [/x/]],
    ['a map with objects as keys', new Map([[{}, 1]])],
    ['something nested too deep', nest(MAX_DEPTH + 1)],
    ['something whose toJSON throws', new Money(NaN)],
  ])('is not made of %s', (_, body) => {
    expect(() => encodeFrame(1, body, LIMIT)).toThrow(unsendable);
  });

  it('may be nested as deep as the limit', () => {
    expect(roundTrip(nest(MAX_DEPTH))).toEqual(nest(MAX_DEPTH));
  });

  it('is not longer than the limit', () => {
    const body = Buffer.alloc(100);
    expect(encodeFrame(1, body, 103)).toHaveLength(107);
    expect(() => encodeFrame(1, body, 102)).toThrow(unsendable);
  });

  it.each([
    ['nothing after a length', [0xa5, 0x61]],
    ['trailing bytes', [0x01, 0x01]],
    ['the unused token', [0xc1]],
    ['a record definition, which generates code', [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1]],
    ['a long record definition', [0xd5, 0x72, 0x40, 0, 0x91, 0xa1, 0x61, 1]],
    ['an error', [0xd4, 0x65, 0, 0x92, 0xa1, 0x61, 0xa1, 0x62]],
    ['a regular expression', [0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0]],
    ['a reference', [0xd6, 0x70, 0, 0, 0, 1]],
    ['a referenced value', [0xd6, 0x69, 0, 0, 0, 1, 0x90]],
    ['bundled strings', [0xd6, 0x62, 0, 0, 0, 1, 0xa0, 0xa0]],
    ['a set of no array', [0xd4, 0x73, 0, 0x01]],
    ['floats cut in half', [0xc7, 5, 0x74, 8, 1, 2, 3]],
    ['an array of 4 billion', [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a map of 4 billion', [0xdf, 0xff, 0xff, 0xff, 0xff, 1, 1]],
    ['a string of 4 billion', [0xdb, 0xff, 0xff, 0xff, 0xff, 1]],
    ['a map with a map as key', [0x81, 0x80, 1]],
    ['arrays nested without end', Array.from({ length: 16_000 }, () => 0x91)],
  ])('is malformed when it holds %s', (_, bytes) => {
    expect(() => decode(...bytes)).toThrow(malformed);
  });

  it('does not run what the app taught msgpackr', () => {
    let calls = 0;
    class Taught {}
    addExtension({ Class: Taught, type: 33, pack: () => Buffer.from('x'), unpack: () => calls++ });
    expect(new Packr().unpack(Buffer.from([0xd4, 33, 0]))).toBe(0);
    expect(() => decode(0xd4, 33, 0)).toThrow(malformed);
    expect(() => encodeFrame(1, new Taught(), LIMIT)).toThrow(unsendable);
    expect(calls).toBe(1);
  });

  it('is read or malformed, whatever its bytes: never another error', () => {
    const tokens = fc.uint8Array({ maxLength: 300 });
    const dense = fc
      .array(fc.constantFrom(...INTERESTING), { maxLength: 40 })
      .map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(fc.oneof(tokens, dense), (bytes) => {
        const buffer = Buffer.from(bytes);
        let body: unknown;
        try {
          body = decodeBody(buffer, 0, buffer.length);
        } catch (error) {
          expect(error).toEqual(malformed);
          return;
        }
        expect(buffer.length === 0 || isPlainMsgpack(buffer, 0, buffer.length)).toBe(true);
        expect(body).toBe(body);
      }),
      { numRuns: 5_000 },
    );
  });

  it('is read when it is plain: the check lets nothing through that the decoder stumbles over', () => {
    const codec = new Packr({ useRecords: false, moreTypes: true });
    const dense = fc.array(fc.constantFrom(...INTERESTING), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(dense, (bytes) => {
        const buffer = Buffer.from(bytes);
        if (isPlainMsgpack(buffer, 0, buffer.length)) codec.unpack(buffer);
      }),
      { numRuns: 20_000 },
    );
  });
});

/** Tokens that hold others, extensions and their types, and small numbers that pass for lengths. */
const INTERESTING = [
  ...[0, 1, 2, 3, 4, 8, 12, 0x42, 0x65, 0x69, 0x72, 0x73, 0x74, 0x78, 0x80, 0x81, 0x82, 0x90, 0x91, 0x92],
  ...[0xa0, 0xa1, 0xa2, ...Array.from({ length: 32 }, (_, i) => 0xc0 + i), 0xff],
];

class Money {
  constructor(readonly amount: number) {}

  toJSON(): string {
    if (Number.isNaN(this.amount)) throw new Error('no amount');
    return `${this.amount} EUR`;
  }
}

/** Small big integers come back as numbers, and -0 as 0. */
function changesOnPurpose(value: unknown): boolean {
  if (Object.is(value, -0)) return true;
  if (typeof value === 'bigint') return value >= -(2n ** 53n) && value <= 2n ** 53n;
  if (ArrayBuffer.isView(value) || value instanceof Date) return false;
  if (value instanceof Set) return [...value].some(changesOnPurpose);
  return typeof value === 'object' && value !== null && Object.values(value).some(changesOnPurpose);
}
