import { describe, expect, it } from 'vitest';
import type { AddressMemory, FamilyAnswer } from '../../../../lib/via/dns/dns-families.js';
import { uniteFamilies } from '../../../../lib/via/dns/dns-families.js';

const servfail = Object.assign(new Error('queryA ESERVFAIL'), { code: 'ESERVFAIL' });

const answers = (a: string[] | Error, aaaa: string[] | Error): Map<4 | 6, FamilyAnswer> =>
  new Map([
    [4 as const, settled(a)],
    [6 as const, settled(aaaa)],
  ]);

function settled(value: string[] | Error): FamilyAnswer {
  return value instanceof Error ? { status: 'rejected', reason: value } : { status: 'fulfilled', value };
}

describe('uniteFamilies', () => {
  it('unites both record types', () => {
    expect(uniteFamilies(answers(['10.0.0.1'], ['fd00::1']), new Map())).toEqual(['10.0.0.1', 'fd00::1']);
  });

  it('takes no record at all for an empty answer', () => {
    expect(uniteFamilies(answers([], []), new Map())).toEqual([]);
  });

  it('goes on with one half while the other half never worked', () => {
    expect(uniteFamilies(answers(['10.0.0.1'], servfail), new Map())).toEqual(['10.0.0.1']);
  });

  it('keeps what the failing half last answered, until it answers again', () => {
    const memory: AddressMemory = new Map();
    uniteFamilies(answers(['10.0.0.1'], ['fd00::1']), memory);
    expect(uniteFamilies(answers(servfail, ['fd00::2']), memory)).toEqual(['10.0.0.1', 'fd00::2']);
    expect(uniteFamilies(answers([], ['fd00::2']), memory)).toEqual(['fd00::2']);
  });

  it.each([
    [servfail, servfail],
    [servfail, []],
    [[], servfail],
  ])('fails when nothing has addresses and something failed', (a, aaaa) => {
    const memory: AddressMemory = new Map([[4, ['10.0.0.1']]]);
    expect(() => uniteFamilies(answers(a, aaaa), memory)).toThrow(servfail);
    expect(memory.get(4)).toEqual(['10.0.0.1']);
  });
});
