import { beforeEach, describe, expect, it } from 'vitest';
import { dialsOf, MembershipDriver, nodeOf } from '../../support/mesh/membership-driver.js';

const NAME = 'app@10.0.0.2';
const HINT_MS = 30_000;

let driver: MembershipDriver;
beforeEach(() => {
  driver = new MembershipDriver();
});

const known = () => driver.core.explain(driver.nowMs).map(({ name }) => name);

describe('a name that was heard', () => {
  it('is forgotten when it is unheard for 30 s', () => {
    const [dial] = driver.hint(NAME);
    driver.fail(dial!.link);
    driver.pass(HINT_MS - 1);
    expect(known()).toEqual([NAME]);
    for (const { link } of dialsOf(driver.last)) driver.fail(link);
    endDials();
    driver.pass(HINT_MS);
    expect(known()).toEqual([]);
  });

  it('is kept as long as it is heard', () => {
    const [dial] = driver.hint(NAME);
    driver.fail(dial!.link);
    for (let i = 0; i < 10; i++) {
      endDials(20_000);
      for (const { link } of driver.hint(NAME)) driver.fail(link);
    }
    expect(known()).toEqual([NAME]);
  });

  it('is dialled at once whatever its backoff, but no more than once a second for that reason', () => {
    const [first] = driver.hint(NAME);
    driver.fail(first!.link);
    const [second] = driver.hint(NAME);
    expect(second).toMatchObject({ host: '10.0.0.2' });
    driver.fail(second!.link);
    expect(driver.hint(NAME)).toEqual([]);
    endDials(5_000);
    expect(driver.hint(NAME)).toHaveLength(1);
  });

  it('of a node that was killed is dialled for a while, and then forgotten', () => {
    const link = driver.peer(nodeOf(NAME, '7'));
    driver.reached(nodeOf(NAME));
    driver.hint(NAME);
    driver.handle({ type: 'closed', link, code: 'EOF' });
    const [redial] = dialsOf(driver.last);
    driver.fail(redial!.link);
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
    endDials(59_000);
    expect(known()).toEqual([NAME]);
    endDials(10_000);
    expect(known()).toEqual([]);
  });

  it('stays while a provider lists it too', () => {
    driver.hint(NAME);
    driver.answer(NAME);
    endDials(2 * HINT_MS);
    expect(driver.explain(NAME).foundBy).toEqual(['list']);
  });

  it('is forgotten sooner when hints are kept shorter', () => {
    driver = new MembershipDriver({ hintMs: 100 });
    for (const { link } of driver.hint(NAME)) driver.fail(link);
    endDials(200);
    expect(known()).toEqual([]);
  });
});

describe('many names that were heard', () => {
  const forged = (i: number) => `forged@10.9.${i >> 8}.${i & 255}`;

  it('are bounded: the oldest go first', () => {
    driver = new MembershipDriver({ hintedNames: 16 });
    for (let i = 0; i < 1_000; i++) {
      for (const { link } of driver.hint(forged(i))) driver.fail(link);
    }
    const names = known();
    // Those being dialled when they had to go are kept until that ends.
    expect(names.length).toBeLessThanOrEqual(16);
    expect(names).toContain(forged(999));
    expect(names).not.toContain(forged(0));
  });

  it('push out no name that is listed, and no peer', () => {
    driver = new MembershipDriver({ hintedNames: 16 });
    driver.peer(nodeOf('app@10.0.0.3', '8'));
    for (const { link } of driver.answer(NAME)) driver.fail(link);
    for (let i = 0; i < 1_000; i++) driver.hint(forged(i));
    expect(known()).toEqual(expect.arrayContaining([NAME, 'app@10.0.0.3']));
    expect(driver.names).toEqual(['app@10.0.0.3']);
  });

  it('do not make the node forget whom it has just lost', () => {
    driver = new MembershipDriver({ hintedNames: 16 });
    const link = driver.peer(nodeOf('app@10.0.0.3', '8'));
    driver.handle({ type: 'closed', link, code: 'ECONNRESET' });
    const [redial] = dialsOf(driver.last);
    for (let i = 0; i < 100; i++) driver.hint(forged(i));
    driver.handle({ type: 'dialFailed', link: redial!.link, code: 'DIAL_TIMEOUT', message: 'no answer' });
    const again = dialsOf(driver.pass(1_000)).some(({ host }) => host === '10.0.0.3');
    expect(again).toBe(true);
  });
});

/** Lets time pass in which every dial fails at once. */
function endDials(ms = 0): void {
  const endMs = driver.nowMs + ms;
  do {
    const step = Math.min(100, endMs - driver.nowMs);
    for (const { link } of dialsOf(driver.pass(step))) driver.fail(link);
  } while (driver.nowMs < endMs);
}
