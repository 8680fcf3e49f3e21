import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_DEPTH, MAX_PARTS } from '../../../../lib/wire/codec/format.js';
import { ValueReader, MalformedValue } from '../../../../lib/wire/codec/value-reader.js';
import { UnsendableValue, ValueTooLarge } from '../../../../lib/wire/codec/unsendable.js';
import { ValueWriter } from '../../../../lib/wire/codec/value-writer.js';
import { sendableJson } from '../../../support/sendable-json.js';

const writer = new ValueWriter();
const reader = new ValueReader();

function write(value: unknown, maxBytes = 1e9): Buffer {
  writer.begin(3, maxBytes);
  try {
    writer.write(value);
  } catch (error) {
    writer.abandon();
    throw error;
  }
  return writer.bytes.subarray(writer.start + 3, writer.at);
}

/** Reads from the middle of other bytes, as from a stream, which are overwritten afterwards. */
function roundTrip(value: unknown): unknown {
  const bytes = write(value);
  const around = Buffer.concat([Buffer.alloc(7, 0xc1), bytes, Buffer.alloc(9, 0xc1)]);
  const result = reader.read(around, 7, 7 + bytes.length);
  around.fill(0xee);
  return result;
}

const decode = (...bytes: number[]) => reader.read(Buffer.from([...bytes, 1, 2, 3]), 0, bytes.length);
const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);

const key = fc.string({ unit: 'binary' }).filter((name) => name !== '__proto__');
const anyError = fc
  .record({
    name: fc.constantFrom('Error', 'TypeError', 'RangeError', 'NotFoundException'),
    message: fc.string(),
    code: fc.option(fc.oneof(fc.string(), fc.integer()), { nil: undefined }),
    cause: fc.option(sendableJson, { nil: undefined }),
  })
  .map(({ name, message, code, cause }) => {
    const Kind = name === 'TypeError' ? TypeError : name === 'RangeError' ? RangeError : Error;
    const error = cause === undefined ? new Kind(message) : new Kind(message, { cause });
    if (error.name !== name)
      Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
    return code === undefined ? error : Object.assign(error, { code });
  });
const anyLeaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 400, unit: 'grapheme' }),
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, NaN, Infinity, -Infinity, ''),
  // Two invalid dates are not equal for Node.
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.float64Array({ maxLength: 20 }),
  fc.int16Array({ maxLength: 20 }),
  fc.bigInt64Array({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => new DataView(bytes.slice().buffer)),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.slice().buffer),
  anyError,
);
const { any } = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    anyLeaf,
    fc.array(tie('any'), { maxLength: 8 }),
    fc.dictionary(key, tie('any'), { maxKeys: 8, noNullPrototype: true }),
    fc.array(tie('any'), { maxLength: 8 }).map((items) => new Set(items)),
    fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 8 }).map((entries) => new Map(entries)),
  ),
}));

describe('a value', () => {
  it('arrives as it was sent', () => {
    fc.assert(
      fc.property(any, (value) => {
        assert.deepStrictEqual(roundTrip(value), value);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['an invalid date', new Date(NaN), new Date(NaN)],
    ['holes as undefined', [1, , 3], [1, undefined, 3]], // eslint-disable-line no-sparse-arrays
    ['instances of classes by their fields', new Money(5), { amount: 5 }],
    ['what toJSON gives', { at: new Jsonable() }, { at: 'json' }],
    ['objects without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), { a: 1 }],
    ['a subclass of Uint8Array', new (class Bytes extends Uint8Array {})([1]), Uint8Array.of(1)],
    ['what the toJSON of a plain object gives', [{ a() {}, toJSON: () => ({ b: 1 }) }], [{ b: 1 }]],
    ['URLs as texts', { at: new URL('http://a/b') }, { at: 'http://a/b' }],
    [
      'the entries that a map has, whatever a subclass says',
      cacheOf(3),
      new Map(Object.entries({ k0: 0, k1: 1, k2: 2 })),
    ],
    ['the items that a set has, whatever a subclass says', liarSet(), new Set([1, 2])],
    [
      'the elements that a view has, whatever a subclass says',
      new LiarView([1, 2, 3]),
      Uint8Array.of(1, 2, 3),
    ],
    ['the bytes that a buffer has, whatever it says', liarBuffer(), Buffer.from('abc')],
    ['the time that a date has, whatever a subclass says', new LiarDate(5), new Date(5)],
    [
      'the map that was there before a toJSON changed it',
      selfEmptyingMap(),
      new Map<unknown, unknown>([
        [1, 'gone'],
        [2, 'still here'],
      ]),
    ],
    ['a list that got shorter meanwhile, with undefined', shrinkingList(), ['shrunk', undefined, undefined]],
  ])('arrives with %s', (_, sent, received) => {
    expect(roundTrip(sent)).toStrictEqual(received);
  });

  it('may be a text of any length', () => {
    for (const length of [0, 1, 31, 32, 255, 256, 65_535, 65_536, 200_000]) {
      for (const unit of ['a', 'ä', '€', '😀']) {
        const text = unit.repeat(length);
        expect(roundTrip(text) === text).toBe(true);
      }
    }
  });

  it('may have more than 65535 parts', () => {
    const many = Array.from({ length: 70_000 }, (_, i) => i);
    expect(roundTrip(many)).toEqual(many);
    expect(roundTrip(new Set(many))).toEqual(new Set(many));
    const fields = Object.fromEntries(many.map((i) => [`k${i}`, i]));
    expect(roundTrip(fields)).toEqual(fields);
  });

  it('keeps the cause and the inner errors of an error, and not its stack', () => {
    const inner = new AggregateError([new TypeError('a'), 'b'], 'both', { cause: undefined });
    const error = roundTrip(new Error('outer', { cause: inner })) as Error;
    const cause = error.cause as AggregateError;
    expect(cause).toBeInstanceOf(AggregateError);
    expect(cause.errors).toEqual([new TypeError('a'), 'b']);
    expect('cause' in cause && cause.cause).toBeUndefined();
    expect(error.stack).toBe('Error: outer');
    expect(Object.keys(error)).toEqual([]);
    expect((roundTrip(new DOMException('no', 'AbortError')) as Error).name).toBe('AbortError');
  });

  it('may be nested as deep as the limit', () => {
    expect(roundTrip(nest(MAX_DEPTH))).toEqual(nest(MAX_DEPTH));
    expect(() => write(nest(MAX_DEPTH + 1))).toThrow(UnsendableValue);
  });

  it('is not longer than its limit, and is not written much further than that', () => {
    const before = writer.bytes;
    for (const value of ['x'.repeat(1e6), 'ä'.repeat(600_000), ['x'.repeat(900_000), 'y'.repeat(200_000)]])
      expect(() => write(value, 999_999)).toThrow(ValueTooLarge);
    for (const value of [
      'x'.repeat(1 << 28),
      Buffer.alloc(1e8),
      new Float64Array(1e7),
      new Map([[1, [new ArrayBuffer(1e8)]]]),
      1n << 80_000_000n,
      // oxlint-disable-next-line unicorn/no-new-array -- holes
      new Array(2 ** 32 - 1),
      new Proxy([], { get: (_, name) => (name === 'length' ? 2 ** 32 - 1 : undefined) }),
    ]) {
      writer.begin(0, 1_000_000);
      expect(() => writer.write(value)).toThrow(ValueTooLarge);
      writer.abandon();
    }
    // Nothing was allocated for it.
    expect(writer.bytes.length).toBeLessThan(3e6);
    expect(before.length).toBeLessThan(3e6);
  });

  it('leaves what was written before it as it was', () => {
    const kept = Array.from({ length: 3_000 }, (_, i) => ({
      i,
      bytes: write({ i, text: 'x'.repeat(i % 90) }),
    }));
    for (const { i, bytes } of kept) {
      expect(reader.read(bytes, 0, bytes.length)).toEqual({ i, text: 'x'.repeat(i % 90) });
    }
  });
});

describe('what cannot be sent', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = { cyclic };
  it.each([
    ['a function', () => {}],
    ['a symbol', Symbol('s')],
    ['a promise', Promise.resolve()],
    ['a weak map', new WeakMap()],
    ['a generator', (function* () {})()],
    ['a regular expression', /x/],
    ['a boxed number', Object(5)],
    ['shared memory', new SharedArrayBuffer(4)],
    ['a cycle', cyclic],
    ['a class', class {}],
    ['a list of no length', new Proxy([], { get: (_, name) => (name === 'length' ? 0.5 : undefined) })],
    ['a revoked proxy', [revoked()]],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no');
        },
      },
    ],
    ['a key __proto__', JSON.parse('{"__proto__": {}}')],
    [
      'a toJSON that gives itself',
      new (class Same {
        toJSON(): unknown {
          return this;
        }
      })(),
    ],
  ])('is %s, wherever it stands', (_, value) => {
    for (const message of [
      value,
      [value],
      { a: value },
      new Map([[1, value]]),
      new Map([[value, 1]]),
      new Set([value]),
    ]) {
      expect(() => write(message)).toThrow(UnsendableValue);
    }
    expect(roundTrip('fine')).toBe('fine');
  });
});

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
    expect(new Error('x').stack).toContain('values.spec');
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

/** Tags that hold others, extensions and their types, and small numbers that pass for lengths. */
const INTERESTING = [
  ...[
    0, 1, 2, 3, 4, 8, 12, 0x42, 0x64, 0x65, 0x6d, 0x72, 0x73, 0x74, 0x78, 0x80, 0x81, 0x82, 0x90, 0x91, 0x92,
  ],
  ...[0xa0, 0xa1, 0xa2, ...Array.from({ length: 32 }, (_, i) => 0xc0 + i), 0xff],
];

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
}

class Money {
  constructor(readonly amount: number) {}

  double(): number {
    return 2 * this.amount;
  }
}

/** A cache whose entries expire: what it counts and what it shows differ from what is in it. */
function cacheOf(count: number): Map<string, number> {
  class Cache extends Map<string, number> {
    override get size(): number {
      return count - 1;
    }

    override *[Symbol.iterator](): MapIterator<[string, number]> {
      yield ['other', 1];
    }

    override forEach(): void {}
  }
  const cache = new Cache();
  for (let i = 0; i < count; i++) cache.set(`k${i}`, i);
  return cache;
}

function liarSet(): Set<number> {
  return Object.defineProperty(new Set([1, 2]), 'size', { value: 70_000 });
}

class LiarView extends Uint8Array {
  override get byteLength(): 2 {
    return 2;
  }

  // @ts-expect-error -- it lies
  override get [Symbol.toStringTag](): string {
    return 'Float64Array';
  }
}

function liarBuffer(): Buffer {
  return Object.defineProperty(Buffer.from('abc'), 'length', { value: 1 });
}

class LiarDate extends Date {
  override getTime(): number {
    return 'soon' as unknown as number;
  }
}

function selfEmptyingMap(): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  const emptying = {
    toJSON() {
      map.clear();
      return 'gone';
    },
  };
  return map.set(1, emptying).set(2, 'still here');
}

function shrinkingList(): unknown[] {
  const list: unknown[] = [
    {
      toJSON() {
        list.length = 1;
        return 'shrunk';
      },
    },
    2,
    3,
  ];
  return list;
}

class Jsonable {
  readonly circular = this;

  toJSON(): string {
    return 'json';
  }
}
