import { beforeEach, describe, expect, it } from 'vitest';
import { closed, MembershipDriver, nodeOf, sent } from '../../support/mesh/membership-driver.js';

const NAME = 'app@10.0.0.2';
const INCUMBENT = nodeOf(NAME, '7');
const NEWCOMER = nodeOf(NAME, '8');

let driver: MembershipDriver;
let incumbent: number;
beforeEach(() => {
  driver = new MembershipDriver();
  incumbent = driver.peer(INCUMBENT);
});

describe('someone new with the name of a peer', () => {
  it('waits while the peer is asked', () => {
    const link = driver.hello(NEWCOMER);
    expect(sent(driver.last, 'welcome')).toEqual([]);
    expect(sent(driver.last, 'refuse')).toEqual([]);
    expect(sent(driver.last, 'beat', incumbent)).toMatchObject([{ now: true }]);
    expect(closed(driver.last)).not.toContain(link);
  });

  it('is refused when the peer answers', () => {
    const link = driver.hello(NEWCOMER);
    const [question] = sent(driver.last, 'beat', incumbent);
    driver.nowMs += 20;
    const directives = driver.beat(incumbent, question!.sentAt);
    const [refusal] = sent(directives, 'refuse', link);
    expect(refusal).toMatchObject({ code: 'NAME_TAKEN' });
    expect(refusal!.message).toContain(INCUMBENT.bootId);
    expect(driver.events).toMatchObject([{ type: 'peer.up' }, { type: 'peer.refused', code: 'NAME_TAKEN' }]);
    driver.pass(1_000);
    expect(driver.core.peers()).toMatchObject([{ bootId: INCUMBENT.bootId }]);
  });

  it('is refused when the process of the peer answers a probe: its loop may be blocked', () => {
    const link = driver.hello(NEWCOMER);
    const probes = [...driver.last, ...driver.pass(350)].filter(({ type }) => type === 'probe');
    expect(probes).toHaveLength(4);
    driver.handle({ type: 'probed', bootId: INCUMBENT.bootId, lagMs: 8_000 });
    expect(sent(driver.last, 'refuse', link)).toMatchObject([{ code: 'NAME_TAKEN' }]);
    driver.pass(1_000);
    expect(driver.core.peers()).toMatchObject([{ bootId: INCUMBENT.bootId }]);
  });

  it('is not refused because of an answer that came before', () => {
    driver.nowMs += 500;
    driver.hello(NEWCOMER);
    driver.handle({ type: 'probed', bootId: INCUMBENT.bootId, lagMs: 0, ageMs: 100 });
    expect(sent(driver.last, 'refuse')).toEqual([]);
    driver.handle({ type: 'probed', bootId: INCUMBENT.bootId, lagMs: 0, ageMs: 0 });
    expect(sent(driver.last, 'refuse')).toHaveLength(1);
  });

  it('is not refused because of a beat that was under way before', () => {
    driver.nowMs += 500;
    driver.hello(NEWCOMER);
    expect(sent(driver.beat(incumbent, 0), 'refuse')).toEqual([]);
    expect(sent(driver.beat(incumbent), 'refuse')).toEqual([]);
  });

  it('takes its place when the peer does not answer', () => {
    const link = driver.hello(NEWCOMER);
    expect(sent(driver.pass(999), 'welcome')).toEqual([]);
    expect(sent(driver.pass(1), 'welcome', link)).toHaveLength(1);
    driver.beat(link);
    expect(driver.events).toMatchObject([
      { type: 'peer.up', peer: { bootId: INCUMBENT.bootId } },
      { type: 'peer.down', reason: 'replaced', peer: { bootId: INCUMBENT.bootId } },
      { type: 'peer.up', peer: { bootId: NEWCOMER.bootId } },
    ]);
  });

  it('takes its place at once when the connection of the peer ends', () => {
    const link = driver.hello(NEWCOMER);
    driver.handle({ type: 'closed', link: incumbent, code: 'ECONNRESET' });
    expect(sent(driver.last, 'welcome', link)).toHaveLength(1);
    driver.beat(link);
    expect(driver.events).toMatchObject([
      { type: 'peer.up' },
      { type: 'peer.down', reason: 'replaced' },
      { type: 'peer.up', peer: { bootId: NEWCOMER.bootId } },
    ]);
  });

  it('may go away meanwhile', () => {
    const link = driver.hello(NEWCOMER);
    driver.handle({ type: 'closed', link, code: 'EOF' });
    driver.beat(incumbent, driver.nowMs);
    driver.pass(1_000);
    expect(driver.events).toHaveLength(1);
  });

  it('is asked about too when it was we who dialled', () => {
    const [dial] = driver.answer('app@10.0.0.9');
    driver.welcomed(dial!.link, NEWCOMER);
    const [question] = sent(driver.last, 'beat', incumbent);
    expect(driver.events).toHaveLength(1);
    driver.beat(incumbent, question!.sentAt);
    expect(closed(driver.last)).toContain(dial!.link);
    expect(driver.explain('app@10.0.0.9')).toMatchObject({
      state: 'waiting',
      lastAttempt: { code: 'NAME_TAKEN' },
    });
    expect(driver.core.peers()).toMatchObject([{ bootId: INCUMBENT.bootId }]);
  });
});
