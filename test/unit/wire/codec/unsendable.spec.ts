import { describe, expect, it } from 'vitest';
import {
  describeUnsendable,
  UnsendableValue,
  type ValueName,
} from '../../../../lib/wire/codec/unsendable.js';
import { ValueWriter } from '../../../../lib/wire/codec/value-writer.js';

function explainUnsendable(value: unknown, name: ValueName): string | undefined {
  const writer = new ValueWriter();
  writer.begin(0, 1e6);
  try {
    writer.write(value);
    return undefined;
  } catch (error) {
    return describeUnsendable(error as UnsendableValue, name);
  }
}

const cyclic: { list: unknown[] } = { list: [] };
cyclic.list.push({ cyclic });

class Order {
  readonly items = [{ done: () => {} }];
}

describe('the explanation of what cannot be sent', () => {
  it.each([
    ['data is a function', () => {}],
    ['data.items[3].callback is a function', { items: [1, 2, 3, { callback() {} }] }],
    ['data["a b"].c is a symbol', { 'a b': { c: Symbol('x') } }],
    ['data.when is a Promise', { when: Promise.resolve() }],
    ['data.by.get("x") is a RegExp', { by: new Map([['x', /y/]]) }],
    ['a key of data is a function', new Map([[() => {}, 1]])],
    ['data[1] is a WeakSet', new Set([1, new WeakSet()])],
    ['data.list[0].cyclic leads back to data', cyclic],
    ['data.items[0].done is a function', new Order()],
    ['data.error.cause is a function', { error: new Error('x', { cause: () => {} }) }],
    ['data.errors[1] is a symbol', new AggregateError([1, Symbol('x')])],
    ['data.a.__proto__ is a key that no object may have', { a: JSON.parse('{"__proto__": 1}') as unknown }],
    ['data.at.toJSON().f is a function', { at: { __proto__: { toJSON: () => ({ f() {} }) } } }],
  ])('says that %s', (text, value) => {
    expect(explainUnsendable(value, 'data')).toBe(text);
  });

  it('tells where it is nested too deep, and what a getter threw', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 300; i++) deep = [deep];
    expect(explainUnsendable(deep, 'data')).toMatch(/^data(\[0\]){256} is nested deeper than 256 levels$/);
    const value = {
      total: Object.defineProperty({}, 'x', {
        enumerable: true,
        get: () => {
          throw new Error('no total yet');
        },
      }),
    };
    expect(explainUnsendable(value, 'data')).toBe('data.total.x cannot be read: no total yet');
  });

  it('calls the parts of a list by their names', () => {
    const names = ['topic', 'data', 'trace'];
    expect(explainUnsendable(['t', { a: [() => {}] }], names)).toBe('data.a[0] is a function');
    expect(explainUnsendable(['t', () => {}], names)).toBe('data is a function');
    expect(explainUnsendable([Symbol('t')], names)).toBe('topic is a symbol');
  });

  it('is found without looking a second time, and without end', () => {
    let reads = 0;
    const moody = {
      get now(): unknown {
        return reads++ === 0 ? () => {} : 1;
      },
    };
    expect(explainUnsendable({ moody }, 'data')).toBe('data.moody.now is a function');
    expect(reads).toBe(1);
    class Endless extends Set {
      override *[Symbol.iterator](): SetIterator<number> {
        for (;;) yield 1;
      }
    }
    expect(explainUnsendable([new Endless([() => {}])], 'data')).toBe('data[0][0] is a function');
  });

  it('finds nothing wrong with what can be sent', () => {
    const twice = { a: 1 };
    expect(
      explainUnsendable([twice, twice, new Map([[{}, new Date()]]), Buffer.alloc(3), 5n], 'data'),
    ).toBeUndefined();
  });
});
