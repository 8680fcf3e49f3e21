import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Faults } from '../../../lib/settings/faults.js';
import { checkMeta, copyMeta, readPlain } from '../../../lib/settings/meta.js';
import { oddJson } from '../../support/odd-texts.js';
import { roundTrip } from '../wire/codec/round-trip.js';

function faultsOf(value: unknown): string[] {
  const faults = new Faults();
  checkMeta(value, 'meta', faults);
  return faults.list.map(({ path, problem }) => `${path}: ${problem}`);
}

describe('meta', () => {
  it('may be whatever JSON can say but the key __proto__, and its copy says the same', () => {
    const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json, { maxKeys: 5 }), (meta) => {
        const text = JSON.stringify(meta);
        fc.pre(Buffer.byteLength(text) <= 4_096 && !text.includes('__proto__'));
        expect(faultsOf(meta)).toEqual([]);
        expect(JSON.stringify(copyMeta(meta))).toBe(text);
      }),
    );
  });

  it('can be sent when it is taken, and arrives as the copy that this node keeps', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.oneof(oddJson, fc.anything({ withMap: true, withDate: true })), (value) => {
        const read = readPlain(value, 'meta');
        if ('fault' in read) return;
        taken += 1;
        expect(roundTrip(read.copy)).toEqual(read.copy);
        expect(read.bytes).toBe(Buffer.byteLength(JSON.stringify(read.copy)));
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  it('is read once: what was checked is what is told', () => {
    let reads = 0;
    const shifty = {
      get zone() {
        return (reads += 1) === 1 ? 'a' : new Map();
      },
    };
    expect(readPlain(shifty, 'meta')).toEqual({ copy: { zone: 'a' }, bytes: 12 });
  });

  it('never makes the check throw, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything({ withDate: true, withMap: true, withBigInt: true }), (value) => {
        for (const fault of faultsOf(value)) expect(fault).toMatch(/^meta/);
      }),
    );
  });

  it.each<[string, unknown, string]>([
    ['a date', { at: new Date() }, 'meta.at: a Date is not plain data'],
    ['a function', { f: { g: () => 1 } }, 'meta.f.g: a function is not plain data'],
    ['a number JSON lacks', { n: [1, Number.NaN] }, 'meta.n[1]: NaN is no number that JSON can say'],
    ['a hole', { list: [undefined] }, 'meta.list[0]: undefined is not plain data'],
    ['half a character', { nick: ['Ann \ud83d'] }, 'meta.nick[0]: has half of a surrogate pair'],
    ['half a character in a key', { 'a\ud83d': 1 }, 'meta: has a key that has half of a surrogate pair'],
    ['the key __proto__', JSON.parse('{"a":{"__proto__":{}}}'), 'meta.a: has the key __proto__'],
    [
      'a getter that throws',
      Object.defineProperty({}, 'x', {
        enumerable: true,
        get: () => {
          throw new Error('not now');
        },
      }),
      'meta.x: throws when it is read: not now',
    ],
    ['a bigint', { n: 1n }, 'meta.n: a bigint is not plain data'],
  ])('may not have %s', (_what, meta, fault) => {
    expect(faultsOf(meta).join()).toContain(fault);
  });

  it('may not go in a circle', () => {
    const meta: Record<string, unknown> = {};
    meta['self'] = meta;
    expect(faultsOf(meta).join()).toContain('nested too deeply');
  });

  it('may take 4096 bytes and no more', () => {
    const frame = JSON.stringify({ a: '' }).length;
    expect(faultsOf({ a: 'x'.repeat(4_096 - frame) })).toEqual([]);
    expect(faultsOf({ a: 'x'.repeat(4_097 - frame) })).toEqual([
      'meta: is 4097 bytes as JSON; 4096 are allowed, as every peer is told of it.',
    ]);
  });

  it('is copied without fields that are undefined, and the copy is frozen', () => {
    const given = { version: undefined, zone: { name: 'a' } };
    const copy = copyMeta(given);
    given.zone.name = 'b';
    expect(copy).toEqual({ zone: { name: 'a' } });
    expect(Object.isFrozen(copy['zone'])).toBe(true);
  });
});
