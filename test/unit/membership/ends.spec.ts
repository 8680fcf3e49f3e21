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

describe('a connection that ends without a goodbye', () => {
  beforeEach(() => {
    driver.reached(OTHER);
    driver.nowMs += 10;
    driver.handle({ type: 'closed', link, code: 'ECONNRESET' });
  });

  const redial = () => dialsOf(driver.last)[0]!;

  it('is dialled again at once, and nobody is told yet', () => {
    expect(redial().host).toBe('10.0.0.2');
    expect(driver.last).toContainEqual({ type: 'route', bootId: OTHER.bootId, link: undefined });
    expect(driver.events).toHaveLength(1);
    expect(driver.names).toEqual([OTHER.name]);
    expect(driver.explain(OTHER.name).summary).toMatch(/again/);
  });

  it('is no news when the same process answers', () => {
    const { link: next } = redial();
    driver.welcomed(next, OTHER);
    expect(driver.last).toContainEqual(
      expect.objectContaining({ type: 'route', bootId: OTHER.bootId, link: next }),
    );
    expect(driver.events).toHaveLength(1);
    driver.pass(1_000);
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('is no news when the same process calls', () => {
    driver.peer(OTHER);
    expect(driver.events).toHaveLength(1);
  });

  it('is down, reason replaced, when another process answers', () => {
    driver.welcomed(redial().link, nodeOf(OTHER.name, '9'));
    expect(driver.events.slice(1)).toMatchObject([
      { type: 'peer.down', reason: 'replaced', peer: { bootId: OTHER.bootId } },
      { type: 'peer.up', peer: { bootId: '9'.repeat(32) } },
    ]);
  });

  it('is down, reason closed, when nobody answers', () => {
    driver.fail(redial().link);
    expect(lastEvent()).toMatchObject({
      type: 'peer.down',
      reason: 'closed',
      evidence: { closed: 'ECONNRESET', redial: { code: 'CONNECTION_REFUSED' }, silentMs: 10 },
    });
  });

  it('is down, reason left, when it turns out to shut down', () => {
    const { link: next } = redial();
    driver.handle({ type: 'dialled', link: next, address: '10.0.0.2:4370' });
    driver.handle({ type: 'refuse', link: next, body: { code: 'LEAVING', message: 'bye' } });
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'left' });
  });

  it('is given time when it stays open who is there, and is down after that', () => {
    driver.fail(redial().link, 'DIAL_TIMEOUT');
    expect(driver.events).toHaveLength(1);
    for (let i = 0; i < 50 && driver.events.length === 1; i++)
      for (const dial of dialsOf(driver.pass(100))) driver.fail(dial.link, 'DIAL_TIMEOUT');
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'closed' });
    expect(driver.nowMs).toBeLessThanOrEqual(5_100);
  });

  it('is given more time when it shakes hands, on a network that is slow', () => {
    const { link: next } = redial();
    driver.pass(1_900);
    driver.fail(next, 'DIAL_TIMEOUT');
    driver.hello(OTHER);
    for (let i = 0; i < 30; i++)
      for (const dial of dialsOf(driver.pass(100))) driver.fail(dial.link, 'DIAL_TIMEOUT');
    expect(driver.nowMs).toBeGreaterThan(4_500);
    expect(driver.events).toHaveLength(1);
    const again = driver.hello(OTHER);
    driver.beat(again);
    driver.pass(1_000);
    expect(driver.events).toHaveLength(1);
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('is down when it shakes hands and is not heard of again', () => {
    driver.fail(redial().link, 'DIAL_TIMEOUT');
    driver.hello(OTHER);
    const helloAtMs = driver.nowMs;
    for (let i = 0; i < 100 && driver.events.length === 1; i++)
      for (const dial of dialsOf(driver.pass(100))) driver.fail(dial.link, 'DIAL_TIMEOUT');
    expect(lastEvent()).toMatchObject({
      type: 'peer.down',
      reason: 'closed',
      evidence: { redial: { code: 'DIAL_TIMEOUT' } },
    });
    expect(driver.nowMs - helloAtMs).toBeLessThanOrEqual(5_100);
  });

  it('is still tried after it was declared down, and comes up again', () => {
    driver.fail(redial().link);
    const [dial] = dialsOf(driver.pass(1_000));
    driver.welcomed(dial!.link, nodeOf(OTHER.name, '9'));
    expect(driver.events.map(({ type }) => type)).toEqual(['peer.up', 'peer.down', 'peer.up']);
  });
});

describe('a connection that we closed for what it brought', () => {
  const fault = { code: 'MALFORMED_FRAME', message: 'nonsense' } as const;
  const close = () => driver.handle({ type: 'closed', link, code: fault.code, fault });

  it('is told, with the name of the peer, and the peer is kept for now', () => {
    close();
    expect(driver.events.slice(1)).toMatchObject([{ type: 'peer.refused', name: OTHER.name, ...fault }]);
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('is dialled again, but not at once', () => {
    expect(dialsOf(close())).toEqual([]);
    expect(dialsOf(driver.pass(500))).toHaveLength(1);
  });

  it('is no news when it was one too many, and only its handshake took too long', () => {
    const late = { code: 'HANDSHAKE_TIMEOUT', message: 'late' } as const;
    const spare = driver.hello(OTHER);
    driver.handle({ type: 'closed', link: spare, code: late.code, fault: late });
    expect(driver.events).toHaveLength(1);
    const stranger = driver.hello(nodeOf('app@10.0.0.9', '9'));
    driver.handle({ type: 'closed', link: stranger, code: late.code, fault: late });
    expect(driver.events.slice(1)).toMatchObject([{ type: 'peer.refused', ...late }]);
  });
});

describe('a goodbye', () => {
  it('ends the peer at once, and it is not dialled', () => {
    const directives = driver.handle({ type: 'leave', link, body: { reason: 'left' } });
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'left' });
    expect(closed(directives)).toEqual([link]);
    expect(dialsOf([...directives, ...driver.pass(60_000)])).toEqual([]);
    // The connection ends after it.
    driver.handle({ type: 'closed', link, code: 'EOF' });
    expect(driver.events).toHaveLength(2);
  });

  it('keeps a node that is still listed from being dialled for a moment', () => {
    driver.answer(OTHER.name);
    driver.handle({ type: 'leave', link, body: { reason: 'left' } });
    expect(dialsOf([...driver.last, ...driver.pass(1_900)])).toEqual([]);
    expect(dialsOf(driver.pass(200))).toHaveLength(1);
  });

  it('is said to every peer on stop, which tells the app of no deaths', () => {
    const third = driver.peer(THIRD);
    const directives = driver.handle({ type: 'stop' });
    for (const each of [link, third]) expect(sent(directives, 'leave', each)).toEqual([{ reason: 'left' }]);
    expect(new Set(closed(directives))).toEqual(new Set([link, third]));
    expect(driver.events).toHaveLength(2);
    expect(driver.names).toEqual([]);
  });

  it('ends every dial under way', () => {
    const [dial] = driver.answer(THIRD.name);
    const directives = driver.handle({ type: 'stop' });
    expect(closed(directives)).toContain(dial!.link);
    expect(directives).toContainEqual(
      expect.objectContaining({ type: 'attempt', result: expect.objectContaining({ code: 'ABORTED' }) }),
    );
  });
});

describe('disconnect()', () => {
  const disconnect = () => driver.handle({ type: 'disconnect', name: OTHER.name });
  const connect = () => dialsOf(driver.handle({ type: 'connect', name: OTHER.name }));

  it('tells the other side, and ends the peer', () => {
    const directives = disconnect();
    expect(sent(directives, 'leave', link)).toEqual([{ reason: 'disconnected' }]);
    expect(directives).toContainEqual({ type: 'close', link, drain: true });
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'disconnected' });
    expect(driver.explain(OTHER.name).state).toBe('disconnected');
  });

  it('holds against providers, hints and calls', () => {
    disconnect();
    expect([...driver.answer(OTHER.name), ...driver.hint(OTHER.name)]).toEqual([]);
    expect(dialsOf(driver.pass(120_000))).toEqual([]);
    const call = driver.hello(OTHER);
    expect(sent(driver.last, 'refuse', call)).toMatchObject([{ code: 'DISCONNECTED' }]);
    expect(driver.events).toHaveLength(2);
  });

  it('ends with connect()', () => {
    disconnect();
    const [dial] = connect();
    driver.welcomed(dial!.link, OTHER);
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('ends with connect() for calls, too', () => {
    disconnect();
    connect();
    driver.peer(OTHER);
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('ends when another process calls from there', () => {
    disconnect();
    driver.peer(nodeOf(OTHER.name, '9'));
    expect(driver.names).toEqual([OTHER.name]);
    expect(driver.explain(OTHER.name).state).toBe('peer');
  });

  it('of the other side leaves it alone for a while', () => {
    driver.answer(OTHER.name);
    driver.handle({ type: 'leave', link, body: { reason: 'disconnected' } });
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'disconnected' });
    expect(dialsOf(driver.pass(29_000))).toEqual([]);
    expect(dialsOf(driver.pass(2_000))).toHaveLength(1);
  });

  it('of a name that is no peer keeps it from becoming one', () => {
    driver.handle({ type: 'disconnect', name: THIRD.name });
    expect(driver.answer(THIRD.name)).toEqual([]);
    expect(driver.events).toHaveLength(1);
  });
});

describe('silence', () => {
  it('is no death while beats come', () => {
    for (let i = 0; i < 30; i++) {
      driver.pass(1_000);
      driver.beat(link);
    }
    expect(driver.events).toHaveLength(1);
  });

  it('makes the node beat', () => {
    expect(sent(driver.pass(3_000), 'beat', link).length).toBeGreaterThanOrEqual(2);
  });

  it('is a death after the deadline, with its evidence', () => {
    const directives = driver.pass(6_000);
    expect(lastEvent()).toMatchObject({ type: 'peer.down', reason: 'timeout' });
    expect((lastEvent() as { evidence: { silentMs: number } }).evidence.silentMs).toBeGreaterThanOrEqual(
      4_000,
    );
    expect(closed(directives)).toContain(link);
  });

  it('counts only while our own loop ran', () => {
    driver.nowMs += 30_000;
    driver.handle({ type: 'wake' });
    expect(driver.events).toHaveLength(1);
    driver.beat(link);
    driver.pass(1_000);
    expect(driver.events).toHaveLength(1);
  });
});

describe('explain', () => {
  it('knows nothing of a name nobody told', () => {
    expect(driver.explain('app@10.0.0.99')).toMatchObject({ state: 'unknown', foundBy: [], failures: 0 });
  });

  it('shows the peer, and how its address was found', () => {
    driver.answer(OTHER.name);
    expect(driver.explain(OTHER.name)).toMatchObject({
      state: 'peer',
      foundBy: ['list'],
      peer: { bootId: OTHER.bootId },
    });
  });

  it('says how long ago the last attempt ended', () => {
    const [dial] = driver.answer(OTHER.name, THIRD.name);
    driver.fail(dial!.link, 'DIAL_TIMEOUT');
    driver.nowMs += 100;
    expect(driver.explain(THIRD.name)).toMatchObject({
      lastAttempt: { result: 'failed', code: 'DIAL_TIMEOUT', agoMs: 100 },
    });
  });
});
