import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_DEPTH } from '../../../../lib/wire/codec/format.js';
import { UnsendableValue, ValueTooLarge } from '../../../../lib/wire/codec/unsendable.js';
import { sendableJson } from '../../../support/sendable-json.js';
import { reader, roundTrip, write, writer } from './round-trip.js';

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
