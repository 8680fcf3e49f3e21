import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { canonicalName } from '../../../lib/naming/node-name.js';
import { readNames } from '../../../lib/discovery/read-names.js';

describe('reading an answer', () => {
  it('makes names canonical, and each of them one', () => {
    expect(readNames(['a@Host:4370', 'a@host', 'b@[::1]:5'], 10)).toEqual({
      names: ['a@host', 'b@[::1]:5'],
      invalid: [],
      isCut: false,
    });
  });

  it('takes any iterable', () => {
    expect(readNames(new Set(['a@b']), 10).names).toEqual(['a@b']);
    expect(readNames([].values(), 10).names).toEqual([]);
  });

  it('skips malformed names and tells of 20 of them, each once, shortened', () => {
    const bad = Array.from({ length: 30 }, (_, i) => `bad${i}${'x'.repeat(200)}`);
    const { names, invalid } = readNames([3, null, 4, ...bad, 'a@b', ...bad], 100);
    expect(names).toEqual(['a@b']);
    expect(invalid).toHaveLength(20);
    expect(invalid.slice(0, 2)).toEqual(['number', 'object']);
    expect(Math.max(...invalid.map((name) => name.length))).toBeLessThan(100);
  });

  it('stops at the limit, even in an endless answer', () => {
    function* endless() {
      for (let i = 0; ; i++) yield `a@host${i}`;
    }
    const read = readNames(endless(), 4_096);
    expect(read.names).toHaveLength(4_096);
    expect(read.isCut).toBe(true);
    expect(readNames(['a@b', 'a@c'], 2).isCut).toBe(false);
  });

  it.each<[string, unknown, string]>([
    ['text', 'a@b', 'It gave the text "a@b" instead of a list'],
    ['nothing', undefined, 'It gave undefined instead of a list'],
    ['a number', 3, 'It gave 3 instead of a list'],
    ['an object', { names: ['a@b'] }, 'It gave an object that is no list (names)'],
    ['an async iterable', (async function* () {})(), 'It gave an async iterable'],
    ['a function', () => ['a@b'], 'instead of a list'],
  ])('refuses %s', (_what, answer, message) => {
    expect(() => readNames(answer, 10)).toThrow(expect.objectContaining({ code: 'INVALID_RESULT' }));
    expect(() => readNames(answer, 10)).toThrow(message);
  });

  it('gives only canonical names or refuses, whatever the answer is', () => {
    fc.assert(
      fc.property(fc.anything(), fc.integer({ min: 1, max: 5 }), (answer, limit) => {
        try {
          const { names } = readNames(answer, limit);
          expect(names.length).toBeLessThanOrEqual(limit);
          for (const name of names) expect(canonicalName(name)).toBe(name);
        } catch (error) {
          expect(error).toBeInstanceOf(PeerageError);
        }
      }),
    );
  });
});
