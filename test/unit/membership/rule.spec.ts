import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { closed, dialsOf, MembershipDriver, nodeOf, sent } from '../../support/mesh/membership-driver.js';

const OTHER = nodeOf('app@10.0.0.2', '7');
const THIRD = nodeOf('app@10.0.0.3', '8');

let driver: MembershipDriver;
let link: number;
beforeEach(() => {
  driver = new MembershipDriver();
  link = driver.peer(OTHER);
});

const lastEvent = () => driver.events.at(-1);
const suspicion = () => driver.explain(OTHER.name).liveness!.suspicion;

describe('our own loop', () => {
  it('accuses nobody who is heard when it runs, however it was blocked or stopped', () => {
    const turn = fc.record({ pauseMs: fc.nat(3_600_000), runsMs: fc.nat(1_500) });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 30 }), (turns) => {
        const node = new MembershipDriver();
        const peer = node.peer(OTHER);
        for (const { pauseMs, runsMs } of turns) {
          node.nowMs += pauseMs;
          // Timers come first in the turn after it, and then what has arrived.
          node.handle({ type: 'wake' });
          node.beat(peer, node.nowMs);
          node.pass(runsMs);
        }
        expect(node.events.map(({ type }) => type)).toEqual(['peer.up']);
      }),
    );
  });

  it('sees a death as soon as anybody after it was stopped for an hour', () => {
    driver.nowMs += 3_600_000;
    driver.handle({ type: 'wake' });
    driver.beat(link, driver.nowMs);
    driver.pass(4_100);
    expect(lastEvent()).toMatchObject({
      type: 'peer.down',
      evidence: { countedMs: 4_000, multiplier: 1, ownLagMs: 0 },
    });
  });

  it('keeps nobody for more than the cap, when each of its turns takes 2 s', () => {
    const fromMs = driver.nowMs;
    while (driver.events.length === 1 && driver.nowMs - fromMs < 60_000) {
      driver.nowMs += 2_000;
      driver.handle({ type: 'wake' });
    }
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'timeout' });
    expect(driver.nowMs - fromMs).toBeLessThanOrEqual(20_000);
  });
});

describe('the deadline', () => {
  it('is shown while a suspicion lasts, in the terms of the rule', () => {
    driver.pass(3_100);
    expect(suspicion()).toMatchObject({
      why: 'silent',
      forMs: 600,
      countedMs: 3_100,
      deadlineMs: 4_000,
      multiplier: 1,
      leftMs: 900,
      probes: { sent: 13, answered: 0 },
    });
    expect(driver.explain(OTHER.name).summary).toBe(
      'Suspected for 0.6 s: it has been silent. 3.1 s of silence count, the deadline is 4.0 s, and 0.9 s are left. ' +
        '0 of 13 probes were answered, and 0 of 0 nodes that we asked hear it.',
    );
  });

  it('is the same, whatever others hear, where probes get through: then the path between us is cut', () => {
    driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
    const third = driver.peer(THIRD);
    for (let i = 0; i < 5; i++) {
      driver.beat(third, driver.nowMs);
      for (const { about } of sent(driver.pass(1_000), 'ask', third))
        driver.handle({ type: 'answer', link: third, body: { about, silentMs: 100 } });
    }
    expect(lastEvent()).toMatchObject({
      type: 'peer.down',
      evidence: { multiplier: 1, asked: [{ name: THIRD.name, answer: 'hears it' }] },
    });
  });

  it('is twice as long where no probe ever gets through and others hear it, and the evidence says why', () => {
    const third = driver.peer(THIRD);
    const hear = () => {
      driver.beat(third, driver.nowMs);
      for (const { about } of sent(driver.pass(500), 'ask', third))
        driver.handle({ type: 'answer', link: third, body: { about, silentMs: 100 } });
    };
    for (let i = 0; i < 16; i++) {
      driver.beat(link, driver.nowMs);
      hear();
    }
    expect(driver.explain(OTHER.name).liveness!.probes).toBe('unanswered');
    const fromMs = driver.nowMs;
    while (driver.events.at(-1)!.type !== 'peer.down' && driver.nowMs - fromMs < 30_000) hear();
    expect(lastEvent()).toMatchObject({
      evidence: {
        deadlineMs: 8_000,
        multiplier: 2,
        because: 'others hear it, and no probe gets through to it',
      },
    });
    expect(driver.nowMs - fromMs).toBeLessThanOrEqual(8_500);
  });
});

describe('a suspicion', () => {
  it('is ended by an answer to what was asked since, and by no old frame', () => {
    driver.pass(2_600);
    driver.beat(link, 1_000);
    expect(suspicion()).toBeDefined();
    driver.beat(link, driver.nowMs);
    expect(suspicion()).toBeUndefined();
  });

  it('is begun anew by an answer that was long on its way, of whom nobody here watches: it may have ended since', () => {
    const watched = ['6', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'].map((digit) =>
      driver.peer(nodeOf(`app@10.0.1.${digit.charCodeAt(0)}`, digit)),
    );
    const unwatched = nodeOf('app@10.0.2.1', '1');
    const its = driver.peer(unwatched);
    const live = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 500) {
        for (const each of [link, ...watched]) driver.beat(each, driver.nowMs);
        driver.pass(500);
      }
    };
    const doubt = () => driver.explain(unwatched.name).liveness?.suspicion;
    live(2_000);
    driver.beat(its, driver.nowMs);
    driver.handle({ type: 'answer', link, body: { about: unwatched.bootId, suspects: true } });
    const askedMs = driver.nowMs;
    live(3_000);
    driver.beat(its, askedMs);
    expect(doubt()).toMatchObject({ why: 'told', forMs: 0, countedMs: 0 });
    live(1_000);
    driver.beat(its, driver.nowMs);
    expect(doubt()).toBeUndefined();
    driver.handle({ type: 'answer', link, body: { about: unwatched.bootId, suspects: true } });
    live(3_000);
    driver.beat(its, driver.nowMs - 3_000);
    live(4_500);
    expect(driver.events.filter(({ type }) => type === 'peer.down')).toMatchObject([
      { peer: { name: unwatched.name } },
    ]);
  });

  it('of a process that answers dials anew each 2 s, unless somebody took the last dial: packets may be lost', () => {
    driver = new MembershipDriver();
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    const live = (ms: number) => {
      const out = [];
      for (let passed = 0; passed < ms; passed += 500) {
        out.push(...driver.pass(500));
        driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
      }
      return out;
    };
    driver.pass(2_600);
    const [first] = dialsOf(live(6_000));
    const later = live(2_000);
    expect(closed(later)).toEqual([first!.link]);
    const [second] = dialsOf(later);
    driver.handle({ type: 'opened', link: second!.link });
    const last = live(2_000);
    expect([...closed(last), ...dialsOf(last)]).toEqual([]);
    expect(driver.explain(OTHER.name).lastAttempt).toMatchObject({ code: 'DIAL_TIMEOUT' });
  });

  it('of somebody else makes us look for ourselves, and takes as long as our own silence asks for', () => {
    const third = driver.peer(THIRD);
    driver.pass(1_000);
    driver.beat(link);
    driver.beat(third);
    driver.pass(500);
    driver.handle({ type: 'answer', link: third, body: { about: OTHER.bootId, suspects: true } });
    expect(suspicion()).toMatchObject({ why: 'told', countedMs: 500, leftMs: 3_500 });
  });

  it('that we were told of is told on when our own probes fail as well: not everybody is connected with all', () => {
    const third = driver.peer(THIRD);
    driver.handle({ type: 'answer', link: third, body: { about: OTHER.bootId, suspects: true } });
    const told = () => sent(driver.pass(200), 'answer', third).filter(({ suspects }) => suspects);
    expect(told()).toEqual([]);
    expect([...told(), ...told(), ...told()]).toEqual([{ about: OTHER.bootId, suspects: true }]);
  });

  it('holds on to a peer whose connection broke while its probes are answered, and not beyond the cap', () => {
    driver.handle({ type: 'closed', link, code: 'ECONNRESET' });
    for (let i = 0; i < 300 && driver.events.length === 1; i++) {
      driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
      for (const dial of dialsOf(driver.pass(100))) driver.fail(dial.link, 'DIAL_TIMEOUT');
    }
    expect(lastEvent()).toMatchObject({
      type: 'peer.down',
      reason: 'closed',
      evidence: { closed: 'ECONNRESET' },
    });
    expect(driver.nowMs).toBeGreaterThan(19_000);
    expect(driver.nowMs).toBeLessThanOrEqual(20_500);
  });
});

describe('a peer whose process answers probes and whose connection brings nothing', () => {
  /** For `ms`: each dial hangs, and a probe is answered with the lag that it has then. Returns the dials. */
  const live = (node: MembershipDriver, ms: number, lagMs = 0, about = OTHER) => {
    const dials = [];
    const endMs = node.nowMs + ms;
    while (node.nowMs < endMs && node.names.includes(about.name)) {
      const out = node.pass(100);
      for (const dial of dialsOf(out)) {
        dials.push(dial);
        node.fail(dial.link, 'DIAL_TIMEOUT');
      }
      if (out.some((each) => each.type === 'probe' && each.bootId === about.bootId))
        node.handle({ type: 'probed', bootId: about.bootId, lagMs });
    }
    return dials;
  };
  const CAP_MS = 20_000;

  it('has until the cap to be connected again, however small the lag is that it tells', () => {
    fc.assert(
      fc.property(fc.nat(999), (lagMs) => {
        const node = new MembershipDriver();
        const peer = node.peer(OTHER);
        node.pass(500);
        node.beat(peer);
        live(node, 60_000, lagMs);
        expect(node.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'timeout' });
        expect(node.nowMs).toBeGreaterThan(CAP_MS);
        expect(node.nowMs).toBeLessThanOrEqual(CAP_MS + 1_000);
      }),
      { numRuns: 20 },
    );
  });

  it('has no more time when its connection breaks meanwhile, but 2 s to be dialled', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5_000, max: 19_000 }), (brokenMs) => {
        const node = new MembershipDriver();
        const peer = node.peer(OTHER);
        live(node, brokenMs);
        node.handle({ type: 'closed', link: peer, code: 'EOF' });
        live(node, 60_000);
        expect(node.names).toEqual([]);
        expect(node.nowMs).toBeGreaterThanOrEqual(brokenMs + 2_000);
        // The probe that every new peer is sent in its first second was answered.
        expect(node.nowMs).toBeLessThanOrEqual(Math.max(CAP_MS + 1_000, brokenMs + 2_000) + 200);
      }),
      { numRuns: 20 },
    );
  });

  it('has the same time when it says that it does not hear us, and only old frames of its own arrive', () => {
    while (driver.nowMs < 60_000 && driver.names.length > 0) {
      driver.handle({ type: 'beat', link, body: { sentAt: 0, silentMs: 3_000 } });
      live(driver, 500);
    }
    expect(driver.nowMs).toBeGreaterThan(CAP_MS - 1_000);
    expect(driver.nowMs).toBeLessThanOrEqual(CAP_MS + 500);
  });

  it('is dialled meanwhile, and nobody is told when it is reached', () => {
    const known = new MembershipDriver();
    const [first] = known.answer(OTHER.name);
    known.welcomed(first!.link, OTHER);
    expect(live(known, 15_000).length).toBeGreaterThan(1);
    known.peer(OTHER);
    known.pass(1_000);
    expect(known.events.map(({ type }) => type)).toEqual(['peer.up']);
  });

  it('is never down while it tells that its loop is blocked, and has the whole time when that is over', () => {
    fc.assert(
      fc.property(fc.integer({ min: 6_000, max: 600_000 }), fc.boolean(), (forMs, isLost) => {
        const node = new MembershipDriver();
        const peer = node.peer(OTHER);
        if (isLost) node.handle({ type: 'closed', link: peer, code: 'ECONNRESET' });
        live(node, forMs, 1_000);
        expect(node.names).toEqual([OTHER.name]);
        live(node, 60_000);
        expect(node.names).toEqual([]);
        // The last answer that told of the block was a second old at most.
        expect(node.nowMs - forMs).toBeGreaterThan(CAP_MS - 1_500);
        expect(node.nowMs - forMs).toBeLessThanOrEqual(CAP_MS + 500);
      }),
      { numRuns: 20 },
    );
  });

  it('is not down for a stop of our own, whatever was the matter with it before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3_000, max: 30_000 }),
        fc.integer({ min: 0, max: 3_600_000 }),
        fc.nat(1_000),
        (blockedMs, stoppedMs, unreadMs) => {
          const node = new MembershipDriver();
          const peer = node.peer(OTHER);
          live(node, blockedMs, 1_000);
          node.nowMs += stoppedMs;
          node.handle({ type: 'wake' });
          // Its loop runs again, and what it has sent since is read within a burst of probes.
          live(node, unreadMs);
          node.beat(peer, node.nowMs);
          live(node, 1_000);
          expect(node.names).toEqual([OTHER.name]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has the whole time from its suspicion on, where nobody watches: that may begin after the cap', () => {
    const node = new MembershipDriver();
    // Ten nodes come before it on the ring.
    const others = '6789abcdef'.split('').map((digit, i) => node.peer(nodeOf(`app@10.0.1.${i}`, digit)));
    const far = nodeOf('app@10.0.1.99', '4');
    node.peer(far);
    while (node.nowMs < 90_000 && node.names.includes(far.name)) {
      for (const each of others) node.beat(each, node.nowMs);
      live(node, 500, 0, far);
    }
    expect(node.nowMs).toBeGreaterThan(40_000);
    // It is looked at every 500 ms.
    expect(node.nowMs).toBeLessThanOrEqual(46_500);
    expect(node.names).toHaveLength(10);
  });
});

describe('beats', () => {
  it('are asked for on the wire, and go out as often as the other side asks', () => {
    expect(sent(driver.pass(1_000), 'beat', link)[0]).toMatchObject({ everyMs: 1_000 });
    driver.handle({ type: 'beat', link, body: { sentAt: driver.nowMs, everyMs: 200 } });
    expect(sent(driver.pass(2_000), 'beat', link)).toHaveLength(10);
    driver.handle({ type: 'beat', link, body: { sentAt: driver.nowMs, everyMs: 0 } });
    driver.handle({ type: 'probed', bootId: OTHER.bootId, lagMs: 0 });
    expect(sent(driver.pass(500), 'beat', link).length).toBeLessThanOrEqual(1);
  });
});

describe('a peer that we do not watch', () => {
  // Ten others come before it on the ring.
  const others = '6789abcdef'.split('').map((digit, i) => nodeOf(`app@10.0.1.${i}`, digit));
  const far = nodeOf('app@10.0.1.99', '4');

  /** It is silent, and so are `silent` of those that we watch, for 5 s. */
  const silence = (silent: number): MembershipDriver => {
    const node = new MembershipDriver();
    const links = others.map((each) => node.peer(each));
    node.peer(far);
    for (let i = 0; i < 10; i++) {
      for (const each of links.slice(silent)) node.beat(each, node.nowMs);
      node.pass(500);
    }
    return node;
  };

  it('is missed as soon as others when many are silent: nobody on our side of a cut may watch it', () => {
    const node = silence(4);
    expect(node.names).toEqual(others.slice(4).map(({ name }) => name));
    expect(node.nowMs).toBeLessThanOrEqual(5_000);
  });

  it('is not looked at for the silence of a few', () => {
    const node = silence(3);
    expect(node.names).toEqual([...others.slice(3), far].map(({ name }) => name));
    expect(node.explain(far.name).liveness!.suspicion).toBeUndefined();
  });
});
