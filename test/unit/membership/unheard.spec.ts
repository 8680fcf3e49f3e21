import { beforeEach, describe, expect, it } from 'vitest';
import { MembershipDriver, nodeOf, sent } from '../../support/mesh/membership-driver.js';

const OTHER = nodeOf('app@10.0.0.2', '7');

let driver: MembershipDriver;
let link: number;
beforeEach(() => {
  driver = new MembershipDriver();
  link = driver.peer(OTHER);
});

const lastEvent = () => driver.events.at(-1);

describe('a peer that says that it does not hear us', () => {
  const deaf = (silentMs?: number, echo?: number) =>
    driver.handle({
      type: 'beat',
      link,
      body: {
        sentAt: driver.nowMs,
        ...(silentMs !== undefined && { silentMs }),
        ...(echo !== undefined && { echo }),
      },
    });

  it('is asked and probed, although it is heard', () => {
    const directives = deaf(2_500);
    expect(sent(directives, 'beat', link)).toMatchObject([{ now: true }]);
    expect(driver.pass(100).some(({ type }) => type === 'probe')).toBe(true);
    expect(driver.explain(OTHER.name).summary).toContain('it does not hear us, as it says');
  });

  it.each([
    ['its beats', () => deaf(2_500)],
    ['its probes', () => driver.handle({ type: 'unheard', bootId: OTHER.bootId, silentMs: 2_500 })],
  ])('is down when a whole burst of probes stays unanswered, with its word as evidence: by %s', (_, say) => {
    say();
    const probes = driver.pass(1_000).filter(({ type }) => type === 'probe');
    say();
    probes.push(...driver.pass(400).filter(({ type }) => type === 'probe'));
    expect(probes.length).toBeGreaterThanOrEqual(28);
    expect(driver.events).toHaveLength(1);
    driver.pass(200);
    expect(lastEvent()).toMatchObject({
      type: 'peer.down',
      reason: 'timeout',
      evidence: { countedMs: 4_000, deadlineMs: 4_000, multiplier: 1, unheardMs: 4_000 },
    });
  });

  it('was silent before it said so: the burst that is unanswered goes on, and is not begun anew', () => {
    const probes = driver.pass(3_900).filter(({ type }) => type === 'probe');
    expect(probes.length).toBeGreaterThanOrEqual(28);
    driver.handle({ type: 'unheard', bootId: OTHER.bootId, silentMs: 3_000 });
    driver.pass(200);
    expect(lastEvent()).toMatchObject({
      type: 'peer.down',
      evidence: { countedMs: 4_000, probes: { answered: 0 } },
    });
  });

  it('was silent before it said so, and its old beats came meanwhile: it has half a burst more', () => {
    driver.pass(3_900);
    driver.beat(link);
    driver.handle({ type: 'unheard', bootId: OTHER.bootId, silentMs: 3_000 });
    driver.pass(650);
    expect(driver.events).toHaveLength(1);
    driver.pass(200);
    expect(lastEvent()).toMatchObject({ type: 'peer.down' });
  });

  it('was looked at for somebody else before it said so, and heard a moment ago: half of the burst of then counts', () => {
    const third = driver.peer(nodeOf('app@10.0.0.3', '3'));
    driver.beat(link);
    driver.handle({ type: 'answer', link: third, body: { about: OTHER.bootId, suspects: true } });
    driver.pass(900);
    driver.handle({ type: 'unheard', bootId: OTHER.bootId, silentMs: 3_000 });
    const downs = () => driver.events.filter(({ type }) => type === 'peer.down');
    driver.pass(650);
    expect(downs()).toEqual([]);
    driver.pass(200);
    expect(downs()).toMatchObject([{ peer: { name: OTHER.name } }]);
  });

  it('was looked at before it said so, and answered: it has a whole burst from then on', () => {
    const third = driver.peer(nodeOf('app@10.0.0.3', '3'));
    driver.beat(link);
    driver.handle({ type: 'answer', link: third, body: { about: OTHER.bootId, suspects: true } });
    driver.pass(900);
    driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
    driver.handle({ type: 'unheard', bootId: OTHER.bootId, silentMs: 3_000 });
    driver.pass(1_400);
    expect(driver.events.filter(({ type }) => type === 'peer.down')).toEqual([]);
  });

  it('is no death by an old word when one probe is answered, however long the silence was that it tells of', () => {
    deaf(3_600_000);
    driver.pass(1_400);
    driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
    driver.pass(3_900);
    expect(driver.events).toHaveLength(1);
  });

  it('has just come, and what we send has not arrived since: that no probe gets through is not known', () => {
    while (driver.nowMs < 10_000) {
      driver.pass(500);
      driver.beat(link);
    }
    expect(driver.explain(OTHER.name).liveness!.probes).toBe('untried');
    deaf(2_500);
    driver.pass(1_600);
    expect(lastEvent()).toMatchObject({ type: 'peer.down' });
  });

  describe('where no probe gets through', () => {
    beforeEach(() => {
      while (driver.nowMs < 10_000) {
        driver.pass(1_000);
        driver.beat(link, driver.nowMs);
      }
      expect(driver.explain(OTHER.name).liveness!.probes).toBe('unanswered');
    });

    it('is down when that lasts for a whole deadline of ours', () => {
      deaf(2_500);
      driver.pass(3_900);
      expect(driver.events).toHaveLength(1);
      driver.pass(200);
      expect(lastEvent()).toMatchObject({
        type: 'peer.down',
        reason: 'timeout',
        evidence: { unheardMs: 6_500 },
      });
    });

    it('is no death by an old word, however long the silence was that it tells of', () => {
      deaf(3_600_000);
      driver.pass(3_900);
      expect(driver.events).toHaveLength(1);
      driver.beat(link, driver.nowMs);
      driver.pass(1_000);
      expect(driver.events).toHaveLength(1);
      expect(driver.explain(OTHER.name).summary).toMatch(/^Connected and heard/);
    });
  });

  it('is down soon after its verdict closed the connection', () => {
    deaf(2_500);
    driver.pass(1_400);
    driver.handle({ type: 'closed', link, code: 'EOF' });
    driver.pass(600);
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });

  it('has its time to be reached again when it answered probes: the connection was replaced', () => {
    deaf(2_500);
    driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
    driver.pass(1_400);
    driver.handle({ type: 'closed', link, code: 'EOF' });
    driver.pass(1_900);
    expect(driver.events).toHaveLength(1);
  });

  it('is as before when it answers what we asked since', () => {
    driver.pass(100);
    deaf(2_500);
    driver.pass(1_000);
    // What it echoes is older than the doubt, and proves nothing.
    deaf(undefined, 50);
    expect(driver.explain(OTHER.name).summary).toMatch(/^Suspected/);
    deaf(undefined, 100);
    expect(driver.explain(OTHER.name).summary).toMatch(/^Connected and heard/);
    for (let i = 0; i < 10; i++) {
      driver.pass(1_000);
      deaf();
    }
    expect(driver.events).toHaveLength(1);
  });

  it('lives on when it answers probes, while there is time to replace its connection', () => {
    for (let i = 0; i < 19; i++) {
      deaf(2_500 + 1_000 * i);
      driver.pass(1_000);
      driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
    }
    expect(driver.events).toHaveLength(1);
  });

  it('is told the same when it is silent and answers no probe, and not when we only doubt because it does', () => {
    const directives = driver.pass(3_000);
    expect(sent(directives, 'beat', link).at(-1)).toMatchObject({ silentMs: expect.closeTo(2_800, -1) });
    expect(directives.filter(({ type }) => type === 'probe').at(-1)).toMatchObject({
      silentMs: expect.closeTo(3_000, -1),
    });
    driver.beat(link, driver.nowMs);
    deaf(2_500);
    expect(sent(driver.last, 'beat', link)).toMatchObject([{ now: true }]);
    expect(sent(driver.last, 'beat', link)[0]).not.toHaveProperty('silentMs');
  });
});
