import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEntry } from '../../../../lib/via/local/local-file.js';

const entry = { name: 'a@127.0.0.1:4001', bootId: 'ab'.repeat(16), pid: 7, pidSpace: 'host', startedAt: 1 };

describe('parseEntry', () => {
  it('reads what a node wrote', () => {
    expect(parseEntry(JSON.stringify(entry))).toEqual(entry);
    const whole = { ...entry, cluster: 'shop' };
    expect(parseEntry(JSON.stringify(whole))).toEqual(whole);
    expect(parseEntry(JSON.stringify({ ...entry, cluster: 7, program: '/of/an/older/version' }))).toEqual(
      entry,
    );
    expect(parseEntry(JSON.stringify({ ...entry, name: 'a@Host:4370', added: 1 }))?.name).toBe('a@host');
  });

  it.each<Record<string, unknown>>([
    { name: 'noat' },
    { name: 7 },
    { bootId: '../../etc/passwd' },
    { bootId: undefined },
    { pid: 0 },
    { pid: -1 },
    { pid: 1.5 },
    { pid: '7' },
    { pidSpace: null },
    { startedAt: 'now' },
  ])('takes an entry with %o for none', (change) => {
    expect(parseEntry(JSON.stringify({ ...entry, ...change }))).toBeUndefined();
  });

  it('takes half an entry for none', () => {
    const text = JSON.stringify(entry);
    for (let length = 0; length < text.length; length += 1) {
      expect(parseEntry(text.slice(0, length))).toBeUndefined();
    }
  });

  it('makes an entry or nothing of every text', () => {
    const garbled = fc.record(
      { name: fc.constantFrom('a@h', 'a'), bootId: fc.json(), pid: fc.nat(), startedAt: fc.nat() },
      { requiredKeys: [] },
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json(),
      garbled.map((value) => JSON.stringify(value)),
    );
    expect(() => fc.assert(fc.property(text, (any) => parseEntry(any) === undefined))).not.toThrow();
  });
});
