import { beforeEach, describe, expect, it } from 'vitest';
import { dialsOf, MembershipDriver, nodeOf, sent } from '../../support/mesh/membership-driver.js';

const OTHER = nodeOf('app@10.0.0.2', '7');
const THIRD = nodeOf('app@10.0.0.3', '8');
const HEARD = { heard: true } as const;

let driver: MembershipDriver;
let link: number;
beforeEach(() => {
  driver = new MembershipDriver();
  link = driver.peer(OTHER);
  driver.events.length = 0;
});

const statuses = () => driver.core.peers().map(({ status }) => status);

describe('a peer that says it shuts down', () => {
  beforeEach(() => driver.handle({ type: 'leaving', link, body: {} }));

  it('is leaving, is told that this was heard, and stays a peer', () => {
    expect(sent(driver.last, 'leaving', link)).toEqual([HEARD]);
    expect(driver.events).toMatchObject([{ type: 'peer.leaving', peer: { status: 'leaving' } }]);
    expect(statuses()).toEqual(['leaving']);
    expect(driver.explain(OTHER.name).summary).toContain('It shuts down.');
  });

  it('is news once, however often it says so', () => {
    driver.handle({ type: 'leaving', link, body: {} });
    expect(sent(driver.last, 'leaving', link)).toEqual([HEARD]);
    expect(driver.events).toHaveLength(1);
  });

  it('is leaving too when its connection is replaced, and when its loop is blocked', () => {
    driver.handle({ type: 'closed', link, code: 'ECONNRESET' });
    driver.welcomed(dialsOf(driver.last)[0]!.link, OTHER);
    expect(statuses()).toEqual(['leaving']);
    driver.pass(3_000);
    driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 5_000 });
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.degraded', peer: { status: 'leaving' } });
  });

  it('goes with its goodbye', () => {
    driver.handle({ type: 'leave', link, body: { reason: 'left' } });
    expect(driver.events.at(-1)).toMatchObject({
      type: 'peer.down',
      reason: 'left',
      evidence: { wasLeaving: true },
    });
    driver.peer(OTHER);
    expect(statuses()).toEqual(['up']);
  });

  it('may end without one, and the evidence says that it was about to go', () => {
    driver.reached(OTHER);
    driver.handle({ type: 'closed', link, code: 'EOF' });
    driver.fail(dialsOf(driver.last)[0]!.link);
    expect(driver.events.at(-1)).toMatchObject({ reason: 'closed', evidence: { wasLeaving: true } });
  });
});

describe('this node, while it shuts down', () => {
  beforeEach(() => driver.handle({ type: 'drain' }));

  it('tells its peers, once, and knows when they have heard', () => {
    expect(sent(driver.last, 'leaving', link)).toEqual([{}]);
    expect(driver.core.allKnowOurLeaving).toBe(false);
    driver.handle({ type: 'leaving', link, body: HEARD });
    expect(driver.core.allKnowOurLeaving).toBe(true);
    expect(sent(driver.last, 'leaving')).toEqual([]);
    expect(sent(driver.handle({ type: 'drain' }), 'leaving')).toEqual([]);
    expect(driver.events).toEqual([]);
  });

  it('waits for nobody whose connection is gone, and tells it when it is back', () => {
    driver.handle({ type: 'closed', link, code: 'ECONNRESET' });
    const [dial] = dialsOf(driver.last);
    expect(driver.core.allKnowOurLeaving).toBe(true);
    driver.welcomed(dial!.link, OTHER);
    expect(sent(driver.last, 'leaving', dial!.link)).toEqual([{}]);
    expect(driver.core.allKnowOurLeaving).toBe(false);
  });

  it('takes who comes, and tells it', () => {
    const third = driver.peer(THIRD);
    expect(sent(driver.last, 'leaving', third)).toEqual([{}]);
    expect(driver.names).toEqual([OTHER.name, THIRD.name]);
  });

  it('says goodbye in the end', () => {
    driver.handle({ type: 'stop' });
    expect(sent(driver.last, 'leave', link)).toEqual([{ reason: 'left' }]);
  });
});
