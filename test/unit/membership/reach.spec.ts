import { beforeEach, describe, expect, it } from 'vitest';
import type { Directive } from '../../../lib/membership/membership.types.js';
import { dialsOf, MembershipDriver, nodeOf } from '../../support/membership-driver.js';

const OTHER = nodeOf('app@10.0.0.2', '7');

let driver: MembershipDriver;
beforeEach(() => {
  driver = new MembershipDriver();
});

const reaches = (directives: Directive[]) => directives.filter(({ type }) => type === 'reach');
const types = () => driver.events.map(({ type }) => type);

/** Its connection breaks. Returns our dial. */
function reset(link: number) {
  return dialsOf(driver.handle({ type: 'closed', link, code: 'ECONNRESET' }))[0]!;
}

describe('a peer that can dial us and that we cannot dial', () => {
  it('is not told of, however often its connection is reset', () => {
    for (let i = 0; i < 20; i++) {
      const link = driver.peer(OTHER);
      driver.pass(1_000);
      driver.fail(reset(link).link);
      for (const dial of dialsOf(driver.pass(500))) driver.fail(dial.link);
    }
    expect(types()).toEqual(['peer.up']);
  });

  it('is down when it does not come back', () => {
    const dial = reset(driver.peer(OTHER));
    driver.fail(dial.link);
    for (let i = 0; i < 50 && driver.events.length === 1; i++)
      for (const again of dialsOf(driver.pass(100))) driver.fail(again.link);
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
    expect(driver.nowMs).toBeLessThanOrEqual(5_000);
  });

  it.each(['WRONG_SECRET', 'NOT_PEERAGE', 'NOT_AUTHENTICATED'] as const)(
    'is not gone when a stranger answers at its address: %s',
    (code) => {
      const link = driver.peer(OTHER);
      driver.reached(OTHER);
      driver.fail(reset(link).link, code);
      expect(types()).toEqual(['peer.up', 'peer.refused']);
    },
  );

  it('is not gone when we are refused while it is silent', () => {
    driver.peer(OTHER);
    driver.pass(3_000);
    for (const dial of dialsOf(driver.handle({ type: 'connect', name: OTHER.name }))) driver.fail(dial.link);
    expect(types()).toEqual(['peer.up']);
  });
});

describe('a peer that we can dial', () => {
  it('is gone when it was lost, found again by its own dial, and a stranger answers at once after that', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    driver.fail(reset(dial!.link).link, 'DIAL_TIMEOUT');
    const link = driver.peer(OTHER);
    driver.pass(500);
    driver.fail(reset(link).link, 'NOT_PEERAGE');
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });

  it('is gone when we are refused after we dialled it', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    driver.fail(reset(dial!.link).link);
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });

  it('is gone when a stranger answers where it welcomed us', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    driver.fail(reset(dial!.link).link, 'WRONG_SECRET');
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });

  it('is called back soon after it called, so that a refusal means something', () => {
    const link = driver.peer(OTHER);
    expect(reaches(driver.pass(500))).toEqual([
      { type: 'reach', address: '10.0.0.2:4370', host: '10.0.0.2', port: 4370 },
    ]);
    driver.reached(OTHER);
    expect(reaches(driver.pass(600))).toEqual([]);
    driver.fail(reset(link).link);
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });

  it('is not called back when we dialled it', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    expect(reaches(driver.pass(1_000))).toEqual([]);
  });

  it('is called back again after a while, when it was out of reach', () => {
    const link = driver.peer(OTHER);
    driver.pass(1_000);
    let again: Directive[] = [];
    for (let i = 0; i < 61; i++) {
      driver.beat(link);
      again = [...again, ...reaches(driver.pass(1_000))];
    }
    expect(again).toHaveLength(1);
  });

  it('counts as out of reach once it refused, until a connection is taken again', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    driver.fail(reset(dial!.link).link);
    driver.fail(reset(driver.peer(OTHER)).link);
    expect(types()).toEqual(['peer.up', 'peer.down', 'peer.up']);
  });
});
