import { beforeEach, describe, expect, it } from 'vitest';
import type { Directive } from '../../../lib/membership/membership.types.js';
import type { PeerageErrorCode } from '../../../lib/errors/peerage-error.js';
import { dialsOf, MembershipDriver, nodeOf, SELF } from '../../support/mesh/membership-driver.js';

const NAME = 'app@10.0.0.2';
const names = (count: number, net = 1) =>
  Array.from({ length: count }, (_, i) => `app@10.${net}.${i >> 8}.${i & 255}`);

let driver: MembershipDriver;
beforeEach(() => {
  driver = new MembershipDriver();
});

describe('what is dialled', () => {
  it('is every address once, whatever names it goes by', () => {
    const dials = driver.answer('app@10.0.0.2', 'other@10.0.0.2', 'app@10.0.0.2:4370', 'app@10.0.0.3');
    expect(dials.map(({ host }) => host)).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(driver.answer('app@10.0.0.2')).toEqual([]);
  });

  it('is not ourselves', () => {
    expect(driver.answer(SELF.name)).toEqual([]);
    expect(driver.explain(SELF.name)).toMatchObject({ state: 'self', foundBy: ['list'] });
  });

  it('is no peer, by whatever name it was found', () => {
    driver.peer(nodeOf(NAME, '7'));
    expect(driver.answer(NAME)).toEqual([]);
    const [alias] = driver.answer(NAME, 'app@alias');
    driver.welcomed(alias!.link, nodeOf(NAME, '7'));
    expect(driver.answer(NAME, 'app@alias')).toEqual([]);
    expect(driver.explain('app@alias')).toMatchObject({ state: 'peer', peer: { name: NAME } });
  });

  it('is no more than so many at once; the others follow as those end', () => {
    driver = new MembershipDriver({ dials: 4 });
    const first = driver.answer(...names(10));
    expect(first).toHaveLength(4);
    const [next, ...more] = dialsOf(driver.fail(first[0]!.link));
    expect(next?.host).toBe('10.1.0.4');
    expect(more).toEqual([]);
  });

  it('keeps room for listed names beside a flood of hints', () => {
    driver = new MembershipDriver({ dials: 8 });
    expect(driver.hint(...names(100))).toHaveLength(4);
    expect(driver.answer(...names(4, 2)).map(({ host }) => host)).toEqual([
      '10.2.0.0',
      '10.2.0.1',
      '10.2.0.2',
      '10.2.0.3',
    ]);
  });

  it.each(['answer', 'hint'] as const)(
    'is four of a fresh %s, until one of them has shown how long that takes',
    (how) => {
      const nodes = names(40).map((name) => nodeOf(name, '7'));
      const first = driver[how](...nodes.map(({ name }) => name));
      expect(first).toHaveLength(4);
      for (const { link } of first) driver.handle({ type: 'opened', link });
      expect(dialsOf(driver.pass(1_900))).toHaveLength(0);
      const { host, link } = first[0]!;
      driver.welcomed(
        link,
        nodes.find(({ name }) => name === `app@${host}`)!,
      );
      expect(dialsOf(driver.last)).toHaveLength(1);
    },
  );

  it.each(['answer', 'hint'] as const)('is four at a time, while those of a fresh %s are not slow', (how) => {
    const [quick] = driver.answer('app@10.9.9.9');
    driver.nowMs += 5;
    driver.welcomed(quick!.link, nodeOf('app@10.9.9.9', '8'));
    const first = driver[how](...names(40));
    expect(first).toHaveLength(4);
    for (const { link } of first) driver.handle({ type: 'opened', link });
    expect(dialsOf(driver.pass(99))).toHaveLength(0);
    expect(dialsOf(driver.pass(15))).toHaveLength(4);
  });

  it('is four at a time while our own loop is too late to tell who hangs', () => {
    driver.answer(...names(40));
    const dialled: number[] = [];
    for (let i = 0; i < 6; i++) {
      driver.nowMs += 16;
      dialled.push(dialsOf(driver.pass(0)).length);
    }
    expect(dialled).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('waits for its turn longer where handshakes take long', () => {
    const nodes = names(40).map((name, i) => nodeOf(name, 'abcdef6789'[i % 10]));
    const dials = driver.answer(...nodes.slice(0, 4).map(({ name }) => name));
    driver.nowMs += 1_000;
    dials.forEach(({ link }, i) => driver.welcomed(link, nodes[i]!));
    for (const { link } of driver.answer(...nodes.slice(4).map(({ name }) => name)))
      driver.handle({ type: 'opened', link });
    expect(dialsOf(driver.pass(1_000))).toHaveLength(0);
    let next: unknown[] = [];
    while (next.length === 0 && driver.nowMs < 10_000) next = dialsOf(driver.pass(10));
    expect(next).toHaveLength(4);
    expect(driver.nowMs).toBeGreaterThan(2_150);
  });

  it('takes the newest hint first', () => {
    driver = new MembershipDriver({ dials: 2 });
    const [only] = driver.hint('app@10.0.0.2', 'app@10.0.0.3', 'app@10.0.0.4');
    expect(only?.host).toBe('10.0.0.4');
    expect(dialsOf(driver.fail(only!.link))[0]?.host).toBe('10.0.0.3');
  });

  it('is a name that connect() was given, past limits and backoff', () => {
    driver = new MembershipDriver({ dials: 1 });
    driver.answer(...names(5));
    const connect = () => dialsOf(driver.handle({ type: 'connect', name: NAME }));
    const [dial] = connect();
    expect(dial?.host).toBe('10.0.0.2');
    driver.fail(dial!.link);
    expect(connect()).toHaveLength(1);
    expect(driver.explain(NAME).foundBy).toEqual(['connect']);
  });
});

describe('a cold start with names of nodes that are gone', () => {
  /** How a dial ends, and whether somebody took the connection before. */
  interface Fate {
    readonly afterMs: number;
    readonly code: PeerageErrorCode;
    readonly isAnswered?: boolean;
  }
  const FATES = {
    refuses: { afterMs: 1, code: 'CONNECTION_REFUSED' },
    'speaks HTTP': { afterMs: 3, code: 'NOT_PEERAGE', isAnswered: true },
    swallows: { afterMs: 2_000, code: 'DIAL_TIMEOUT' },
  } as const satisfies Record<string, Fate>;
  const live = ['app@10.9.0.1', 'app@10.5.0.2', 'app@10.1.9.3'];

  /** Until all that live have been dialled: how long that took, and how many dials were under way at most. */
  function run(dead: readonly string[], fate: Fate): { tookMs: number; most: number } {
    const hosts = new Set(live.map((name) => name.slice('app@'.length)));
    const flights = new Map<number, number>();
    let most = 0;
    const take = (directives: Directive[]): void => {
      for (const { link, host } of dialsOf(directives))
        if (!hosts.delete(host)) flights.set(link, driver.nowMs);
      most = Math.max(most, flights.size);
    };
    for (take(driver.answer(...dead, ...live)); hosts.size > 0; take(driver.pass(1)))
      for (const [link, atMs] of flights) {
        const ageMs = driver.nowMs - atMs;
        if (fate.isAnswered && ageMs === 1) take(driver.handle({ type: 'opened', link }));
        if (ageMs < fate.afterMs) continue;
        flights.delete(link);
        take(driver.fail(link, fate.code));
      }
    return { tookMs: driver.nowMs, most };
  }

  it.each([
    [50, 'refuses', 50],
    [500, 'refuses', 300],
    [50, 'speaks HTTP', 100],
    [500, 'speaks HTTP', 700],
    [50, 'swallows', 100],
    [500, 'swallows', 500],
  ] as const)('is through %i, each of which %s, within %i ms', (count, fate, boundMs) => {
    const { tookMs, most } = run(names(count), FATES[fate]);
    expect(tookMs).toBeLessThanOrEqual(boundMs);
    expect(most).toBeLessThanOrEqual(512);
  });

  it('dials a name that is new before those that failed', () => {
    const dead = names(500);
    const flights = new Map<number, number>();
    let most = 0;
    const take = (directives: Directive[]): void => {
      for (const { link } of dialsOf(directives)) flights.set(link, driver.nowMs);
    };
    for (take(driver.answer(...dead)); driver.nowMs < 20_000; take(driver.pass(10))) {
      for (const [link, atMs] of flights) {
        if (driver.nowMs - atMs < 2_000) continue;
        flights.delete(link);
        take(driver.fail(link, 'DIAL_TIMEOUT'));
      }
      if (driver.nowMs > 10_000) most = Math.max(most, flights.size);
    }
    expect(driver.answer(...dead, NAME).map(({ host }) => host)).toContain('10.0.0.2');
    // Who is gone is not asked by many dials for ever.
    expect(most).toBeLessThanOrEqual(64);
    expect(most).toBeGreaterThan(32);
  });
});

describe('a dial that fails', () => {
  /** The pauses between one failure and the next dial. */
  function pauses(count: number): number[] {
    let [dial] = driver.answer(NAME);
    return Array.from({ length: count }, () => {
      driver.fail(dial!.link);
      const startMs = driver.nowMs;
      for (dial = undefined; !dial && driver.nowMs < startMs + 60_000;) [dial] = dialsOf(driver.pass(1));
      return driver.nowMs - startMs;
    });
  }

  it('is tried again after 250 ms, doubling to 5 s, a fifth more or less', () => {
    const expected = [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000];
    pauses(expected.length).forEach((ms, i) => {
      expect(ms).toBeGreaterThanOrEqual(expected[i]! * 0.8);
      expect(ms).toBeLessThanOrEqual(expected[i]! * 1.2 + 1);
    });
  });

  it('does not make many names come back in step', () => {
    let dials = driver.answer(...names(30));
    const times = new Set<number>();
    for (let i = 0; i < 600; i++) {
      for (const { link } of dials) driver.fail(link);
      dials = dialsOf(driver.pass(1));
      if (dials.length > 0) times.add(driver.nowMs);
    }
    // In step they would come at two or three moments only.
    expect(times.size).toBeGreaterThan(8);
  });

  it('begins anew after a success', () => {
    pauses(4);
    const [dial] = [driver.last].flatMap(dialsOf);
    driver.welcomed(dial!.link, nodeOf(NAME, '7'));
    expect(driver.explain(NAME)).toMatchObject({ state: 'peer', failures: 0 });
  });

  it('is not repeated while a provider lists it during the pause, and explain says when it will be', () => {
    const [dial] = driver.answer(NAME);
    driver.fail(dial!.link);
    expect(driver.answer(NAME)).toEqual([]);
    const { state, failures, nextAttemptInMs, summary } = driver.explain(NAME);
    expect({ state, failures }).toEqual({ state: 'waiting', failures: 1 });
    expect(nextAttemptInMs).toBeGreaterThan(0);
    expect(summary).toContain('CONNECTION_REFUSED');
  });

  it('is explained by how the last attempt failed, while the next one is under way too', () => {
    const [dial] = driver.answer(NAME);
    expect(driver.explain(NAME).summary).toBe('It is being dialled, or is next in the queue.');
    driver.fail(dial!.link);
    expect(dialsOf(driver.pass(6_000))).toHaveLength(1);
    const { state, summary } = driver.explain(NAME);
    expect(state).toBe('dialling');
    expect(summary).toMatch(/^Dialled once without success: .*CONNECTION_REFUSED.* being dialled again/);
  });

  it('is told to the app only when the other side meant it, and when the reason is a new one', () => {
    const [first] = driver.answer(NAME);
    driver.fail(first!.link);
    expect(driver.events).toEqual([]);
    for (const code of ['WRONG_SECRET', 'WRONG_SECRET', 'CONNECTION_REFUSED', 'WRONG_SECRET'] as const) {
      const [dial] = dialsOf(driver.pass(6_000));
      driver.fail(dial!.link, code);
    }
    expect(driver.events).toMatchObject([
      { type: 'peer.refused', code: 'WRONG_SECRET', direction: 'outbound', address: '10.0.0.2:4370' },
      { type: 'peer.refused', code: 'WRONG_SECRET' },
    ]);
  });

  it('is forgotten when its provider lists it no more', () => {
    const [dial] = driver.answer(NAME);
    driver.answer();
    driver.fail(dial!.link);
    expect(dialsOf(driver.pass(60_000))).toEqual([]);
    expect(driver.explain(NAME).state).toBe('unknown');
  });

  it('goes on while another provider lists it', () => {
    const [dial] = driver.answer(NAME);
    driver.handle({ type: 'found', provider: 'dns', names: [NAME], as: 'answer' });
    driver.answer();
    driver.fail(dial!.link);
    expect(driver.explain(NAME).foundBy).toEqual(['dns']);
    expect(dialsOf(driver.pass(1_000))).toHaveLength(1);
  });
});

describe('a black hole', () => {
  it('delays no other dial', () => {
    driver.answer(...names(5), NAME);
    // Dials hang; a name that is found meanwhile is dialled when those before it have begun, not ended.
    const dials = [...driver.answer(...names(5), NAME, 'app@10.0.0.3'), ...dialsOf(driver.pass(200))];
    expect(dials.map(({ host }) => host)).toContain('10.0.0.3');
  });
});
