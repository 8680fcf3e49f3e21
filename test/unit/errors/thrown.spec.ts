import fc from 'fast-check';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { describeError, isError, readThrown, stackOf, toError } from '../../../lib/errors/thrown.js';
import { ODD_THROWN } from '../../support/odd-thrown.js';

const ESC = '\u001B';
/** Something, and no control character nor end of a line. */
const ONE_LINE = /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u;

describe('what was thrown', () => {
  it.each(ODD_THROWN)('is described when it is %s', (_, make) => {
    const text = describeError(make());
    expect(text).toMatch(/^[^\n]+$/);
    expect(text.length).toBeLessThan(20_000);
    expect(stackOf(make()) ?? '').toBeTypeOf('string');
    const { name, message, code, stack } = readThrown(make());
    expect([typeof name, typeof message, typeof (code ?? 1), typeof (stack ?? '')]).toEqual([
      'string',
      'string',
      'number',
      'string',
    ]);
    expect(isError(toError(make()))).toBe(true);
  });

  it('is described whatever it is', () => {
    const anything = fc.anything({
      withNullPrototype: true,
      withBigInt: true,
      withDate: true,
      withMap: true,
    });
    const wrapped = anything.map((value) => ({ message: value, name: value, code: value, stack: value }));
    fc.assert(
      fc.property(fc.oneof(anything, wrapped), (thrown) => {
        expect(describeError(thrown)).toMatch(ONE_LINE);
        const { message } = readThrown(thrown);
        expect(message).toBeTypeOf('string');
      }),
      { numRuns: 1_000 },
    );
  });

  it('is told on one line, without what a terminal would obey', () => {
    const odd = fc.constantFrom(ESC, `${ESC}[31m`, '\u0000', '\u0007', '\u009B', '\r', '\t', '\u2028');
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.string({ unit: 'binary' }))), (pieces) => {
        const text = pieces.join('');
        for (const thrown of [text, new Error(text), Object.assign(new Error(''), { name: text })])
          expect(describeError(thrown)).toMatch(ONE_LINE);
      }),
    );
    expect(describeError(new Error(`${ESC}[31mno${ESC}[0m\u0007 luck\u0000`))).toBe('no luck');
  });

  it('keeps its words', () => {
    expect(describeError(new Error('no\n  luck '))).toBe('no luck');
    expect(describeError(new TypeError())).toBe('TypeError');
    expect(describeError('a\r\n\r\n b')).toBe('a b');
    expect(describeError({ status: 404 })).toBe('{ status: 404 }');
    expect(describeError(Object.create(null))).toBe('[Object: null prototype] {}');
    expect(describeError({ message: 'like an error' })).toBe('like an error');
    expect(readThrown(Object.assign(new RangeError('x'), { code: 'E' }))).toMatchObject({
      name: 'RangeError',
      message: 'x',
      code: 'E',
    });
    const error = new Error('same');
    expect(toError(error)).toBe(error);
    expect(toError('text')).toEqual(new Error('text'));
  });

  it('may come from another realm, as in Jest', () => {
    const foreign = runInNewContext('new TypeError("from afar")') as unknown;
    expect(foreign instanceof Error).toBe(false);
    expect(readThrown(foreign)).toMatchObject({ name: 'TypeError', message: 'from afar' });
    expect(stackOf(foreign)).toContain('from afar');
  });
});
