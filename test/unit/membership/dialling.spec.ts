import { beforeEach, describe, expect, it } from 'vitest';
import { dialsOf, MembershipDriver, nodeOf, SELF } from '../../support/membership-driver.js';

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

  it.each(['answer', 'hint'] as const)('is four at a time, while those of a fresh %s do not hang', (how) => {
    const first = driver[how](...names(40));
    expect(first).toHaveLength(4);
    expect(dialsOf(driver.pass(99))).toHaveLength(0);
    expect(dialsOf(driver.pass(51))).toHaveLength(4);
  });

  it('waits for its turn longer where handshakes take long', () => {
    const nodes = names(40).map((name, i) => nodeOf(name, 'abcdef6789'[i % 10]));
    const dials = driver.answer(...nodes.slice(0, 4).map(({ name }) => name));
    driver.nowMs += 1_000;
    dials.forEach(({ link }, i) => driver.welcomed(link, nodes[i]!));
    driver.answer(...nodes.slice(4).map(({ name }) => name));
    expect(dialsOf(driver.pass(1_000))).toHaveLength(0);
    expect(dialsOf(driver.pass(500))).toHaveLength(4);
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
