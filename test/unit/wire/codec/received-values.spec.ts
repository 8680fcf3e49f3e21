import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_PARTS } from '../../../../lib/wire/codec/format.js';
import { UnsendableValue } from '../../../../lib/wire/codec/unsendable.js';
import { MalformedValue } from '../../../../lib/wire/codec/value-reader.js';
import { decode, reader, roundTrip, write } from './round-trip.js';

/** Tags that hold others, extensions and their types, and small numbers that pass for lengths. */
const INTERESTING = [
  ...[
    0, 1, 2, 3, 4, 8, 12, 0x42, 0x64, 0x65, 0x6d, 0x72, 0x73, 0x74, 0x78, 0x80, 0x81, 0x82, 0x90, 0x91, 0x92,
  ],
  ...[0xa0, 0xa1, 0xa2, ...Array.from({ length: 32 }, (_, i) => 0xc0 + i), 0xff],
];

describe('what arrives', () => {
  it('cannot touch a prototype', () => {
    const proto = [...Buffer.from('__proto__')];
    const polluted = [0x81, 0xa8, ...Buffer.from('polluted'), 0xc3];
    for (const header of [[0xa9], [0xd9, 9], [0xda, 0, 9], [0xdb, 0, 0, 0, 9]]) {
      expect(() => decode(0x81, ...header, ...proto, ...polluted)).toThrow(MalformedValue);
      expect(() => decode(0xde, 0, 1, ...header, ...proto, ...polluted)).toThrow(MalformedValue);
    }
    const sent = {
      constructor: { prototype: { polluted: true } },
      prototype: 1,
      toString: 2,
      hasOwnProperty: 3,
    };
    const received = roundTrip(sent) as object;
    expect(received).toEqual(sent);
    expect(Object.hasOwn(received, 'constructor')).toBe(true);
    expect(Object.getPrototypeOf(received)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
    // A map is no object: there the key is a key.
    expect(roundTrip(new Map([['__proto__', { polluted: true }]]))).toEqual(
      new Map([['__proto__', { polluted: true }]]),
    );
    expect('polluted' in {}).toBe(false);
  });

  it.each([
    ['nothing', []],
    ['nothing after a length', [0xa5, 0x61]],
    ['trailing bytes', [0x01, 0x01]],
    ['the unused token', [0xc1]],
    ['a float of 4 bytes, which is never written', [0xca, 0, 0, 0, 0]],
    ['a record definition', [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1]],
    ['a regular expression', [0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0]],
    ['a reference', [0xd6, 0x70, 0, 0, 0, 1]],
    ['a mark with a number', [0xd4, 0, 1]],
    ['a set of no array', [0xd4, 0x73, 0, 0x01]],
    ['a map of an odd number', [0xd4, 0x6d, 0, 0x91, 1]],
    ['an error of nothing', [0xd4, 0x65, 0, 0x90]],
    ['floats cut in half', [0xc7, 5, 0x74, 8, 1, 2, 3, 4]],
    ['a view that does not exist', [0xc7, 2, 0x74, 99, 1]],
    ['a view without a kind', [0xc7, 0, 0x74]],
    ['a big integer of no bytes', [0xc7, 0, 0x42]],
    ['an array of 4 billion', [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
    ['an object of 4 billion', [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, 0x61, 1]],
    ['a string of 4 billion', [0xdb, 0xff, 0xff, 0xff, 0xff, 1]],
    ['an object with a number as key', [0x81, 1, 1]],
    ['arrays nested without end', Array.from({ length: 16_000 }, () => 0x91)],
    ['sets nested without end', Array.from({ length: 4_000 }, () => [0xd4, 0x73, 0, 0x91]).flat()],
  ])('is malformed when it holds %s', (_, bytes) => {
    expect(() => decode(...bytes)).toThrow(MalformedValue);
  });

  it('is a value or malformed, whatever the bytes: never another error', () => {
    const dense = fc
      .array(fc.constantFrom(...INTERESTING), { maxLength: 40 })
      .map((bytes) => Uint8Array.from(bytes));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), dense), (bytes) => {
        try {
          decode(...bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedValue);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it.each<unknown>([
    '\ud800',
    'a\udc00',
    `${'x'.repeat(60)}\ud800`,
    { '\ud800': 1 },
    new Map([['\udc00', 1]]),
  ])('is refused when it has half of a surrogate pair: %j', (value) =>
    expect(() => write(value)).toThrow(UnsendableValue),
  );

  it('is sent when its pairs are whole', () => {
    const text = 'a\u{1f600}b'.repeat(30);
    expect(decode(...write(text))).toBe(text);
  });

  it('has no more parts than it may have', () => {
    const fits = Array.from({ length: MAX_PARTS - 1 }, () => 1);
    expect(roundTrip([fits])).toHaveLength(1);
    expect(() => write([fits, 1])).toThrow(UnsendableValue);
    const bytes = Buffer.alloc(5 + MAX_PARTS + 1, 1);
    bytes.writeUInt32BE(MAX_PARTS + 1, bytes.writeUInt8(0xdd, 0));
    expect(() => reader.read(bytes, 0, bytes.length)).toThrow(MalformedValue);
  });

  it('costs no stack, however many errors are in it', () => {
    const bytes = write(Array.from({ length: 1_000 }, (_, i) => new TypeError(`no ${i}`)));
    const asked: number[] = [];
    const { stackTraceLimit, prepareStackTrace } = Error;
    Error.stackTraceLimit = 7;
    Error.prepareStackTrace = (_, frames) => asked.push(frames.length);
    const errors = reader.read(bytes, 0, bytes.length) as Error[];
    for (const { stack } of errors) expect(stack).toMatch(/^TypeError: no \d+$/);
    expect(Error.stackTraceLimit).toBe(7);
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
    expect(asked.filter((frames) => frames > 0)).toEqual([]);
    expect(new Error('x').stack).toContain('received-values.spec');
  });

  it('takes memory in proportion to its bytes, whatever they claim', () => {
    // Nested arrays that each claim all bytes that are left.
    const bytes = Buffer.alloc(1e6, 0xc0);
    for (let at = 0; at < 5 * 250; at += 5) bytes.writeUInt32BE(1e6 - at - 5, bytes.writeUInt8(0xdd, at));
    const before = process.memoryUsage().heapUsed;
    expect(() => reader.read(bytes, 0, bytes.length)).toThrow(MalformedValue);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200e6);
  });

  it('is the same when it came before', () => {
    const first = { status: 'open', nameOfSomething: 'A', ünïcode: 'ß', ['k'.repeat(60)]: 1 };
    for (let i = 0; i < 3; i++) expect(roundTrip([i, 'topic', first])).toEqual([i, 'topic', first]);
    // Different keys that fall on the same place of the memory for keys.
    const many = Array.from({ length: 20_000 }, (_, i) => `a${i}b`);
    for (const text of many) expect(roundTrip({ [text]: text })).toEqual({ [text]: text });
  });
});
