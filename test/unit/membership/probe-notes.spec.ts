import { describe, expect, it } from 'vitest';
import type { NodeInfo } from '../../../lib/naming/node-info.js';
import { MembershipDriver } from '../../support/mesh/membership-driver.js';

const node = (n: number): NodeInfo => ({
  name: `app@10.0.0.${n}`,
  bootId: String(n).repeat(32),
  host: `10.0.0.${n}`,
  port: 4370,
  meta: {},
});

/** Peers that are heard all the time, and whose probes get no answer. */
function world(...nodes: readonly NodeInfo[]) {
  const driver = new MembershipDriver();
  const links = nodes.map((each) => driver.peer(each));
  const live = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 500) {
      driver.pass(500);
      for (const link of links) driver.beat(link, driver.nowMs);
    }
  };
  return { driver, live, notes: () => driver.notes() };
}

describe('UDP that does not get through', () => {
  it('is blamed on neither side while there is one peer only', () => {
    const { driver, live, notes } = world(node(2));
    expect(notes()).toEqual([]);
    live(9_000);
    expect(notes()).toEqual([
      expect.stringMatching(/^No UDP probe gets through between here and app@10\.0\.0\.2 .*, either way/),
    ]);
    expect(driver.explain('app@10.0.0.2').summary).toContain('none of its own arrives');
  });

  it('is blamed on this host when it is so with everybody', () => {
    const { driver, live, notes } = world(node(2), node(3));
    expect(driver.probeCounts()).toMatchObject({ unanswered: 0, untried: 2 });
    live(9_000);
    expect(notes()).toEqual([expect.stringMatching(/^UDP is blocked at this host: none of 2 peers answers/)]);
    expect(driver.probeCounts()).toMatchObject({ answered: 0, unanswered: 2, oneWay: 0 });
  });

  it('is blamed on what leaves this host, when the probes of all others arrive', () => {
    const { driver, live, notes } = world(node(2), node(3));
    for (const { bootId } of [node(2), node(3)]) driver.handle({ type: 'probedBy', bootId });
    live(9_000);
    expect(notes()).toEqual([
      expect.stringMatching(/^UDP does not leave this host: probes of 2 peers arrive/),
    ]);
  });

  it('is blamed on the peer when others answer, and its own probes arrive', () => {
    const { driver, live, notes } = world(node(2), node(3));
    driver.handle({ type: 'probed', bootId: node(3).bootId, lagMs: 0 });
    driver.handle({ type: 'probedBy', bootId: node(2).bootId });
    live(9_000);
    expect(notes()).toEqual([
      expect.stringMatching(
        /^UDP probes from here do not reach app@10\.0\.0\.2 \(UDP port 4370 there\), though/,
      ),
    ]);
    expect(driver.probeCounts()).toMatchObject({ answered: 1, unanswered: 0, oneWay: 1 });
    expect(driver.explain('app@10.0.0.2')).toMatchObject({
      summary: expect.stringContaining('open UDP port 4370 there'),
      liveness: { probes: 'unanswered', probedBy: true },
    });
  });

  it('is told when it begins later, on the side that it is on, and not once it is over', () => {
    const { driver, live, notes } = world(node(2), node(3));
    const answer = (bootId: string) => driver.handle({ type: 'probed', bootId, lagMs: 0 });
    for (const { bootId } of [node(2), node(3)]) {
      driver.handle({ type: 'probedBy', bootId });
      answer(bootId);
    }
    live(25_000);
    expect(notes()).toEqual([]);
    live(20_000);
    expect(notes()).toEqual([expect.stringMatching(/^UDP is blocked at this host: none of 2 peers answers/)]);
    for (const { bootId } of [node(2), node(3)]) driver.handle({ type: 'probedBy', bootId });
    expect(notes()).toEqual([expect.stringMatching(/^UDP does not leave this host/)]);
    for (const { bootId } of [node(2), node(3)]) answer(bootId);
    expect(notes()).toEqual([]);
  });

  it('is not what one lost probe of a later trial is', () => {
    const { driver, live, notes } = world(node(2), node(3));
    const ids = [node(2).bootId, node(3).bootId];
    for (let minutes = 0; minutes < 10; minutes++) {
      live(34_000);
      for (const bootId of ids) driver.handle({ type: 'probed', bootId, lagMs: 0 });
    }
    expect(notes()).toEqual([]);
    expect(driver.probeCounts()).toMatchObject({ answered: 2 });
  });

  it('is told of this host when nothing can be sent from it, and not once that is over', () => {
    const { driver, live } = world(node(2), node(3));
    driver.handle({ type: 'unsent', bootId: node(2).bootId, code: 'EPERM' });
    live(9_000);
    expect(driver.explain('app@10.0.0.2')).toMatchObject({
      summary: expect.stringContaining(
        'cannot be sent from here (EPERM): a firewall or a missing route of this host',
      ),
      liveness: { unsent: 'EPERM' },
    });
    expect(driver.probeCounts()).toMatchObject({ unsent: 1 });
    driver.handle({ type: 'probed', bootId: node(2).bootId, lagMs: 0 });
    expect(driver.explain('app@10.0.0.2').summary).toBe('Connected and heard.');
  });
});

describe('a peer that comes back', () => {
  it('is the same process, or a new one', () => {
    const { driver } = world();
    driver.peer(node(2));
    driver.pass(30_000);
    const down = driver.events.findIndex(({ type }) => type === 'peer.down');
    expect(down).toBeGreaterThan(0);
    driver.peer(node(2));
    driver.peer(node(3));
    const ups = driver.events.filter(({ type }) => type === 'peer.up');
    expect(ups).toMatchObject([{}, { returnedAfterMs: expect.any(Number) }, {}]);
    expect((ups[1] as { returnedAfterMs: number }).returnedAfterMs).toBeGreaterThan(10_000);
    expect(ups[2]).not.toHaveProperty('returnedAfterMs');
  });
});
