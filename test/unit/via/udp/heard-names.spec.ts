import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { HEARD_LIMITS, HeardNames } from '../../../../lib/via/udp/heard-names.js';

let heard: HeardNames;
beforeEach(() => {
  heard = new HeardNames();
});

describe('one name', () => {
  it('is new and reported once, then at most four times a second', () => {
    expect(heard.hear('a@h', '10.0.0.1', 0)).toEqual({ isNew: true, report: true });
    expect(heard.hear('a@h', '10.0.0.1', 1)).toEqual({ isNew: false, report: false });
    expect(heard.hear('a@h', '10.0.0.1', 249)).toEqual({ isNew: false, report: false });
    expect(heard.hear('a@h', '10.0.0.1', 250)).toEqual({ isNew: false, report: true });
  });

  it('is forgotten when it is not heard for 30 s', () => {
    heard.hear('a@h', '10.0.0.1', 0);
    heard.hear('b@h', '10.0.0.1', 20_000);
    expect(heard.names(29_999)).toEqual(['b@h', 'a@h']);
    expect(heard.names(30_000)).toEqual(['b@h']);
    expect(heard.hear('a@h', '10.0.0.1', 30_001).isNew).toBe(true);
  });

  it('is kept while it is heard', () => {
    for (let at = 0; at <= 120_000; at += 7_000) heard.hear('a@h', '10.0.0.1', at);
    expect(heard.names(120_000)).toEqual(['a@h']);
  });
});

/** 10,000 forged names at 3,000 a second, and names that are announced by honest nodes meanwhile. */
function flood(
  honest: { name: string; source: string; everyMs: number; fromMs?: number }[],
  forger: (i: number) => string,
) {
  const reported: string[] = [];
  const evicted = new Set<string>();
  const note = (name: string, source: string, atMs: number) => {
    const { isNew, report } = heard.hear(name, source, atMs);
    if (report) reported.push(name);
    return isNew;
  };
  const nextAt = new Map(honest.map(({ name, fromMs = 0 }) => [name, fromMs]));
  const known = new Set<string>();
  for (let i = 0; i < 10_000; i += 1) {
    const atMs = i / 3;
    for (const { name, source, everyMs } of honest) {
      if (atMs < nextAt.get(name)!) continue;
      nextAt.set(name, atMs + everyMs);
      if (note(name, source, atMs) && known.has(name)) evicted.add(name);
      known.add(name);
    }
    note(`forged${i}@10.9.${i >> 8}.${i & 255}`, forger(i), atMs);
  }
  return { reported, evicted: [...evicted], endMs: 10_000 / 3 };
}

describe('a flood of forged names', () => {
  it('takes bounded memory and is reported at a bounded rate', () => {
    const { reported, endMs } = flood([], () => '10.0.0.66');
    expect(heard.size).toBe(HEARD_LIMITS.names);
    expect(reported.length).toBeLessThanOrEqual(256 + Math.ceil((16 * endMs) / 1_000));
    expect(heard.names(endMs).length).toBeLessThanOrEqual(reported.length);
  });

  it('from one sender pushes out no name of another sender', () => {
    const honest = Array.from({ length: 20 }, (_, i) => ({
      name: `good${i}@10.0.0.${i}`,
      source: `10.0.0.${i}`,
      everyMs: 3_300,
    }));
    const { evicted, endMs } = flood(honest, () => '10.0.0.66');
    expect(evicted).toEqual([]);
    expect(heard.names(endMs)).toEqual(expect.arrayContaining(honest.map(({ name }) => name)));
  });

  it('pushes out no name that was heard twice, even from the same sender', () => {
    heard.hear('good@h', '10.0.0.66', 0);
    heard.hear('good@h', '10.0.0.66', 100);
    flood([], () => '10.0.0.66');
    expect(heard.hear('good@h', '10.0.0.66', 4_000).isNew).toBe(false);
  });

  it('does not keep newcomers out that announce themselves as often as we answer', () => {
    const newcomers = Array.from({ length: 10 }, (_, i) => ({
      name: `late${i}@h`,
      source: '10.0.0.66',
      everyMs: 200,
      fromMs: 2_000 + 13 * i,
    }));
    const names = newcomers.map(({ name }) => name);
    const { reported, endMs } = flood(newcomers, () => '10.0.0.66');
    expect(reported).toEqual(expect.arrayContaining(names));
    expect(heard.names(endMs).slice(0, 10).sort()).toEqual(names);
  });

  it('with forged senders too leaves memory bounded and newcomers able to come in', () => {
    const newcomer = { name: 'late@h', source: '10.0.0.5', everyMs: 200, fromMs: 2_000 };
    const { reported } = flood([newcomer], (i) => `10.1.${i >> 8}.${i & 255}`);
    expect(heard.size).toBe(HEARD_LIMITS.names);
    expect(reported).toContain('late@h');
  });
});

it('holds its bounds whatever is heard', () => {
  const limits = { ...HEARD_LIMITS, names: 5, forgetMs: 100, newAtOnce: 3 };
  const hearing = fc.record({ name: fc.nat(12), source: fc.nat(3), afterMs: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(hearing, { maxLength: 200 }), (hearings) => {
      const names = new HeardNames(limits);
      const lastHeardAt = new Map<string, number>();
      let nowMs = 0;
      for (const { name, source, afterMs } of hearings) {
        nowMs += afterMs;
        names.hear(`n${name}`, `s${source}`, nowMs);
        lastHeardAt.set(`n${name}`, nowMs);
        expect(names.size).toBeLessThanOrEqual(limits.names);
        for (const known of names.names(nowMs))
          expect(nowMs - lastHeardAt.get(known)!).toBeLessThan(limits.forgetMs);
      }
    }),
  );
});
