import { beforeEach, describe, expect, it } from 'vitest';
import { MembershipDriver, nodeOf, sent } from '../../support/mesh/membership-driver.js';

const A = nodeOf('app@10.0.0.2', '6');
const B = nodeOf('app@10.0.0.3', '7');
const MANY = 16;

let driver: MembershipDriver;
beforeEach(() => {
  driver = new MembershipDriver();
  driver.peer(A);
});

describe('whom a new peer hears of', () => {
  it('is everybody else, when it knows few', () => {
    const link = driver.hello(B, { peers: MANY - 1 });
    expect(sent(driver.beat(link), 'peers', link)).toEqual([{ peers: [{ name: A.name, bootId: A.bootId }] }]);
  });

  it('is nobody, when it knows many, until views differ', () => {
    const [dial] = driver.answer(B.name);
    const directives = driver.welcomed(dial!.link, B, { peers: MANY });
    expect(sent(directives, 'peers')).toEqual([]);
    const [digest] = sent(driver.pass(1_000), 'digest', dial!.link);
    const other = driver.handle({ type: 'digest', link: dial!.link, body: { hash: digest!.hash + 1 } });
    expect(sent(other, 'peers', dial!.link)).toEqual([
      { peers: [{ name: A.name, bootId: A.bootId }], want: true },
    ]);
    expect(driver.handle({ type: 'digest', link: dial!.link, body: digest! })).toEqual([]);
  });

  it('is compared when there is nothing left to dial', () => {
    const [b] = driver.answer(B.name);
    driver.welcomed(b!.link, B, { peers: MANY });
    driver.nowMs += 950;
    // Somebody takes the connections of these dials, and says nothing.
    const dials = driver.answer(B.name, ...Array.from({ length: 20 }, (_, i) => `app@10.0.1.${i}`));
    for (const { link } of dials) driver.handle({ type: 'opened', link });
    driver.nowMs += 60;
    expect(sent(driver.pass(900), 'digest', b!.link)).toEqual([]);
    expect(sent(driver.pass(1_000), 'digest', b!.link)).toHaveLength(1);
  });
});
