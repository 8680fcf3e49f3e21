import { beforeEach, describe, expect, it } from 'vitest';
import type { Directive } from '../../../lib/membership/membership.types.js';
import type { NodeInfo } from '../../../lib/naming/node-info.js';
import { MembershipDriver, nodeOf, SELF, sent } from '../../support/mesh/membership-driver.js';

const NAMED = nodeOf('app@web.example:4371', '2');
const NUMBERED = nodeOf('app@10.0.0.2:4371', '2');

let driver: MembershipDriver;
beforeEach(() => {
  driver = new MembershipDriver();
});

/** Where the first probe of a new peer goes. */
function probed(): string[] {
  const probes = driver.pass(4_000).filter((each) => each.type === 'probe');
  return [...new Set(probes.map(({ host, port }) => `${host} ${port}`))];
}

/** The body of the frame of this kind that was sent. */
function sentOf<K extends 'hello' | 'welcome'>(directives: readonly Directive[], kind: K) {
  for (const each of directives) {
    if (each.type !== 'send' || each.frame.kind !== kind) continue;
    return each.frame.body as Extract<typeof each.frame, { kind: K }>['body'];
  }
  throw new Error(`no ${kind} was sent`);
}

/** `caller` dials `other`, and each sees the other at an address. Returns what both said. */
function connect(
  caller: MembershipDriver,
  { other, name }: { other: MembershipDriver; name: string },
  sees: string,
  isSeenAt: string,
) {
  const { link } = caller.answer(name)[0]!;
  const hello = sentOf(caller.handle({ type: 'dialled', link, address: sees }), 'hello');
  const taken = other.core.newLink();
  const welcome = sentOf(
    other.handle({ type: 'hello', link: taken, address: isSeenAt, body: hello }),
    'welcome',
  );
  caller.handle({ type: 'welcome', link, body: welcome });
  other.handle({ type: 'beat', link: taken, body: { sentAt: 1 } });
  return { hello, welcome };
}

const remote = (node: NodeInfo) => ({ other: new MembershipDriver({}, node), name: node.name });
const dial = (address: string, node = NAMED) => connect(driver, remote(node), address, '10.0.0.1:40000');
const called = (from: string, node = NAMED) =>
  connect(remote(node).other, { other: driver, name: SELF.name }, '10.0.0.1:4370', from);

describe('a peer is probed by address, never by name', () => {
  it('whom we dialled where we reached it', () => {
    dial('10.9.9.9:4000');
    expect(probed()).toEqual(['10.9.9.9 4000']);
  });

  it('also by IPv6', () => {
    dial('[fd00::7]:4000');
    expect(probed()).toEqual(['fd00::7 4000']);
  });

  it('who called us, and has a name of letters, at the host it called from and the port it named', () => {
    called('10.9.9.9:40000');
    expect(probed()).toEqual(['10.9.9.9 4371']);
  });

  it('who called us, and names an address, at that one', () => {
    called('10.9.9.9:40000', NUMBERED);
    expect(probed()).toEqual(['10.0.0.2 4371']);
  });
});

it('the handshake says whether probes are answered, as the node last learnt of itself', () => {
  expect(dial('10.9.9.9:4000').hello.answersProbes).toBe(true);
  driver.handle({ type: 'answersProbes', isSo: false });
  expect(called('10.9.9.9:40000', nodeOf('app@10.0.0.3', '3')).welcome.answersProbes).toBe(false);
  expect(dial('10.0.0.4:4370', nodeOf('app@10.0.0.4', '4')).hello.answersProbes).toBe(false);
});

it('who met us before is told by a beat that probes are answered, or not any more, once', () => {
  const link = driver.peer(NUMBERED);
  const told = (isSo: boolean) =>
    sent(driver.handle({ type: 'answersProbes', isSo }), 'beat', link).map((beat) => beat.answersProbes);
  expect(told(false)).toEqual([false]);
  const asked = driver.handle({ type: 'beat', link, body: { sentAt: driver.nowMs, now: true } });
  expect(sent(asked, 'beat', link).map((beat) => beat.answersProbes)).toEqual([undefined]);
  expect(told(true)).toEqual([true]);
});

it('a peer that says so later is judged by that: its silence has the usual time', () => {
  const link = driver.peer(NUMBERED);
  const say = (answersProbes: boolean) =>
    driver.handle({ type: 'beat', link, body: { sentAt: driver.nowMs, answersProbes } });
  const deadline = () => {
    driver.pass(2_600);
    return driver.explain(NUMBERED.name).liveness!.suspicion!.deadlineMs;
  };
  say(false);
  expect(deadline()).toBe(8_000);
  driver.beat(link, driver.nowMs);
  say(true);
  expect(deadline()).toBe(4_000);
});
