import { beforeEach, describe, expect, it } from 'vitest';
import { WIRE_VERSIONS } from '../../../lib/wire/frames.js';
import {
  closed,
  dialsOf,
  MembershipDriver,
  nodeOf,
  SELF,
  sent,
} from '../../support/mesh/membership-driver.js';

const OTHER = nodeOf('app@10.0.0.2', '7', { zone: 'b' });

let driver: MembershipDriver;
beforeEach(() => {
  driver = new MembershipDriver();
});

describe('a caller', () => {
  it('is welcomed, and is a peer with its first beat', () => {
    const link = driver.hello(OTHER);
    expect(sent(driver.last, 'welcome', link)).toMatchObject([
      { cluster: 'blue', node: SELF, version: WIRE_VERSIONS.max },
    ]);
    expect(driver.names).toEqual([]);
    const directives = driver.beat(link);
    expect(directives).toContainEqual({ type: 'established', link });
    expect(directives).toContainEqual(expect.objectContaining({ type: 'route', bootId: OTHER.bootId, link }));
    expect(driver.events).toMatchObject([{ type: 'peer.up', peer: { ...OTHER, status: 'up' } }]);
  });

  it.each([
    ['an older one', { min: 1, max: 1 }, 1],
    ['a newer one that speaks ours, too', { min: 1, max: WIRE_VERSIONS.max + 1 }, WIRE_VERSIONS.max],
  ])('speaks the highest version that both know: %s', (_who, versions, version) => {
    const link = driver.hello(OTHER, { versions });
    expect(sent(driver.last, 'welcome', link)).toMatchObject([{ version, versions: WIRE_VERSIONS }]);
  });

  it('with our own name is no peer', () => {
    const link = driver.hello(nodeOf(SELF.name, '7'));
    expect(sent(driver.last, 'refuse', link)).toMatchObject([{ code: 'NAME_TAKEN' }]);
    expect(driver.events).toMatchObject([
      { type: 'peer.refused', code: 'NAME_TAKEN', direction: 'inbound', name: SELF.name },
    ]);
  });

  it('with our own host and port under another name is no peer', () => {
    const link = driver.hello(nodeOf('other@10.0.0.1', '7'));
    expect(sent(driver.last, 'refuse', link)).toMatchObject([{ code: 'NAME_TAKEN' }]);
  });

  it.each(['peers', 'digest', 'meta'] as const)('is a peer with any first frame: %s', (type) => {
    const link = driver.hello(OTHER);
    const bodies = { peers: { peers: [] }, digest: { hash: 1 }, meta: { meta: { zone: 'c' } } };
    driver.handle({ type, link, body: bodies[type] } as Parameters<MembershipDriver['handle']>[0]);
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('that says nothing more is given up', () => {
    const link = driver.hello(OTHER);
    expect(closed(driver.pass(1_999))).toEqual([]);
    expect(closed(driver.pass(1))).toEqual([link]);
    driver.beat(link);
    expect(driver.events).toEqual([]);
  });

  it.each([
    ['an older version', { min: 0, max: 0 }],
    ['a newer version', { min: WIRE_VERSIONS.max + 1, max: WIRE_VERSIONS.max + 3 }],
  ])('of %s is refused', (_what, versions) => {
    const link = driver.hello(OTHER, { versions });
    expect(sent(driver.last, 'refuse', link)).toMatchObject([{ code: 'VERSION_MISMATCH' }]);
    expect(closed(driver.last)).toEqual([link]);
    expect(driver.events).toMatchObject([
      {
        type: 'peer.refused',
        code: 'VERSION_MISMATCH',
        name: OTHER.name,
        direction: 'inbound',
        address: '10.0.0.2:40000',
      },
    ]);
  });

  it('of a neighbouring version that still speaks ours is taken', () => {
    driver.beat(driver.hello(OTHER, { versions: { min: WIRE_VERSIONS.max, max: WIRE_VERSIONS.max + 1 } }));
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('of another cluster is refused, and told both labels', () => {
    const link = driver.hello(OTHER, { cluster: 'red' });
    const [refusal] = sent(driver.last, 'refuse', link);
    expect(refusal).toMatchObject({ code: 'WRONG_CLUSTER' });
    expect(refusal!.message).toMatch(/"red".*"blue"/);
    expect(driver.events).toMatchObject([{ type: 'peer.refused', code: 'WRONG_CLUSTER' }]);
  });

  it('that is this very node is turned away without a word to the app', () => {
    const link = driver.hello(SELF);
    expect(sent(driver.last, 'refuse', link)).toMatchObject([{ code: 'SELF' }]);
    expect(driver.events).toEqual([]);
  });

  it('meets nobody once the node shuts down', () => {
    driver.handle({ type: 'stop' });
    const link = driver.hello(OTHER);
    expect(sent(driver.last, 'refuse', link)).toMatchObject([{ code: 'LEAVING' }]);
    expect(driver.events).toEqual([]);
  });

  it('finds no room among too many peers, and an old peer always does', () => {
    driver = new MembershipDriver({ peers: 1 });
    driver.peer(OTHER);
    driver.hello(nodeOf('app@10.0.0.3', '8'));
    expect(sent(driver.last, 'refuse')).toMatchObject([{ code: 'TOO_MANY_PEERS' }]);
    driver.hello(OTHER);
    expect(sent(driver.last, 'welcome')).toHaveLength(1);
  });

  it('that goes away before it is a peer leaves nothing behind', () => {
    const link = driver.hello(OTHER);
    driver.handle({ type: 'closed', link, code: 'EOF' });
    driver.pass(60_000);
    expect(driver.events).toEqual([]);
    expect(driver.explain(OTHER.name).state).toBe('unknown');
  });
});

describe('a dial', () => {
  const dial = () => driver.answer(OTHER.name)[0]!;

  it('says hello, and is a peer when it is welcomed', () => {
    const { link, host, port } = dial();
    expect([host, port]).toEqual(['10.0.0.2', 4370]);
    const [hello] = sent(driver.handle({ type: 'dialled', link, address: '10.0.0.2:4370' }), 'hello', link);
    expect(hello).toMatchObject({ versions: WIRE_VERSIONS, cluster: 'blue', node: SELF });
    const directives = driver.welcomed(link, OTHER);
    expect(sent(directives, 'beat', link)).toHaveLength(1);
    expect(directives).toContainEqual({
      type: 'attempt',
      address: '10.0.0.2:4370',
      result: { result: 'connected', bootId: OTHER.bootId },
    });
    expect(driver.names).toEqual([OTHER.name]);
  });

  it.each([
    ['WRONG_CLUSTER', { cluster: 'red' }],
    ['VERSION_MISMATCH', { version: WIRE_VERSIONS.max + 1 }],
  ])('gives up a listener that takes us but is wrong: %s', (code, more) => {
    const { link } = dial();
    const directives = driver.welcomed(link, OTHER, more);
    expect(closed(directives)).toEqual([link]);
    expect(driver.events).toMatchObject([
      { type: 'peer.refused', code, direction: 'outbound', name: OTHER.name },
    ]);
    expect(driver.explain(OTHER.name)).toMatchObject({ state: 'waiting', lastAttempt: { code } });
  });

  it('that leads to another node with our own name makes no peer', () => {
    const { link } = dial();
    driver.welcomed(link, nodeOf(SELF.name, '7'));
    expect(driver.names).toEqual([]);
    expect(driver.events).toMatchObject([
      { type: 'peer.refused', code: 'NAME_TAKEN', direction: 'outbound', name: SELF.name },
    ]);
  });

  it('that leads to ourselves is remembered as ours', () => {
    const { link } = dial();
    driver.welcomed(link, SELF);
    expect(driver.explain(OTHER.name).state).toBe('self');
    expect(driver.answer(OTHER.name)).toEqual([]);
    expect(dialsOf(driver.pass(120_000))).toEqual([]);
    expect(driver.events).toEqual([]);
  });

  it('is told a refusal of the other side, once', () => {
    const refuse = (link: number) => {
      driver.handle({ type: 'dialled', link, address: '10.0.0.2:4370' });
      driver.handle({ type: 'refuse', link, body: { code: 'TOO_MANY_PEERS', message: 'full' } });
    };
    refuse(dial().link);
    const [again] = dialsOf(driver.pass(10_000));
    refuse(again!.link);
    expect(driver.events).toMatchObject([{ type: 'peer.refused', code: 'TOO_MANY_PEERS', message: 'full' }]);
  });

  it('ends when the other side takes too long', () => {
    const { link } = dial();
    driver.handle({ type: 'dialled', link, address: '10.0.0.2:4370' });
    expect(closed(driver.pass(2_000))).toContain(link);
    expect(driver.explain(OTHER.name)).toMatchObject({
      failures: 1,
      lastAttempt: { code: 'HANDSHAKE_TIMEOUT' },
    });
    // Too late.
    driver.welcomed(link, OTHER);
    expect(driver.names).toEqual([]);
  });

  it('ends with the reason for which we closed the connection', () => {
    const { link } = dial();
    const fault = { code: 'SECURITY_MISMATCH', message: 'one of the two speaks plaintext' } as const;
    driver.handle({ type: 'dialled', link, address: '10.0.0.2:4370' });
    driver.handle({ type: 'closed', link, code: fault.code, fault });
    expect(driver.explain(OTHER.name).lastAttempt).toMatchObject(fault);
  });

  it('ends when the connection does', () => {
    const { link } = dial();
    driver.handle({ type: 'dialled', link, address: '10.0.0.2:4370' });
    driver.handle({ type: 'closed', link, code: 'ECONNRESET' });
    expect(driver.explain(OTHER.name)).toMatchObject({
      failures: 1,
      lastAttempt: { code: 'CONNECTION_LOST' },
    });
  });

  it('is the spare one when there is a connection already', () => {
    const { link } = dial();
    driver.handle({ type: 'dialled', link, address: '10.0.0.2:4370' });
    driver.peer(OTHER);
    expect(closed(driver.welcomed(link, OTHER))).toEqual([link]);
    expect(driver.events).toHaveLength(1);
    expect(driver.explain(OTHER.name).state).toBe('peer');
  });
});

describe('two dials at once', () => {
  it.each([
    ['7', 'ours stays: our boot id is the lower one', true],
    ['3', 'theirs stays: their boot id is the lower one', false],
  ])('(other boot id %s…) %s', (digit, _what, oursStays) => {
    const other = nodeOf('app@10.0.0.2', digit);
    const [{ link: ours } = { link: 0 }] = driver.answer(other.name);
    driver.handle({ type: 'dialled', link: ours, address: '10.0.0.2:4370' });
    const theirs = driver.hello(other);
    const atWelcome = driver.welcomed(ours, other);
    expect(closed(atWelcome).includes(ours)).toBe(!oursStays);
    // The other side does the same sums: it goes on with its own dial, or gives it up.
    if (oursStays) driver.handle({ type: 'closed', link: theirs, code: 'EOF' });
    else driver.beat(theirs);
    expect(driver.events).toHaveLength(1);
    expect(driver.last.some((directive) => directive.type === 'emit')).toBe(!oursStays);
    // Beyond the pause of a spare dial, short of suspicion.
    expect(dialsOf(driver.pass(2_400))).toEqual([]);
  });

  it('also when their confirmation comes after our connection stands', () => {
    const other = nodeOf('app@10.0.0.2', '3');
    const [{ link: ours } = { link: 0 }] = driver.answer(other.name);
    driver.welcomed(ours, other);
    const theirs = driver.hello(other);
    driver.beat(theirs);
    expect(driver.core.peers()).toHaveLength(1);
    expect(driver.events).toHaveLength(1);
  });
});

describe('two calls of one node at once', () => {
  it.each([
    ['3', 'the first stays: the lower boot id holds to what it dialled', 0],
    ['7', 'the later one stays', 1],
  ])('(boot id %s…) %s', (digit, _what, stays) => {
    const other = nodeOf('app@10.0.0.2', digit);
    const links = [driver.hello(other), driver.hello(other)];
    driver.beat(links[0]!);
    expect(closed(driver.beat(links[1]!))).toEqual([links[1 - stays]]);
    expect(driver.events).toHaveLength(1);
  });
});

describe('a new connection of a peer', () => {
  it('replaces the old one, which is dead at its end, and nobody is told', () => {
    const old = driver.peer(OTHER);
    const fresh = driver.hello(OTHER);
    expect(sent(driver.last, 'welcome', fresh)).toMatchObject([{ current: 'connection 1' }]);
    const directives = driver.beat(fresh);
    expect(closed(directives)).toEqual([old]);
    expect(directives).toContainEqual(
      expect.objectContaining({ type: 'route', bootId: OTHER.bootId, link: fresh }),
    );
    expect(driver.events).toHaveLength(1);
    // The end of the old one is no news.
    driver.handle({ type: 'closed', link: old, code: 'EOF' });
    driver.pass(1_000);
    expect(driver.names).toEqual([OTHER.name]);
  });

  it('brings the meta of now', () => {
    driver.peer(OTHER);
    driver.peer({ ...OTHER, meta: { zone: 'z' } });
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.updated', peer: { meta: { zone: 'z' } } });
  });
});

describe('who changes during a handshake', () => {
  const change = { meta: { version: 2 }, name: 'app@10.0.9.1', host: '10.0.9.1' };
  const changed = { meta: change.meta, node: { name: change.name, host: change.host, port: SELF.port } };

  it('tells whom it dialled, when that takes it', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.handle({ type: 'dialled', link: dial!.link, address: '10.0.0.2:4370' });
    driver.handle({ type: 'changeSelf', change });
    expect(sent(driver.last, 'meta')).toEqual([]);
    expect(sent(driver.welcome(dial!.link, OTHER), 'meta', dial!.link)).toEqual([changed]);
  });

  it('tells whom it welcomed, when that is a peer', () => {
    const link = driver.hello(OTHER);
    driver.handle({ type: 'changeSelf', change });
    expect(sent(driver.beat(link), 'meta', link)).toEqual([changed]);
  });

  it('tells nobody twice', () => {
    const link = driver.peer(OTHER);
    driver.handle({ type: 'changeSelf', change });
    expect(sent(driver.last, 'meta', link)).toEqual([changed]);
    expect(sent(driver.hello(OTHER) ? driver.last : [], 'meta')).toEqual([]);
    expect(sent(driver.pass(1_000), 'meta')).toEqual([]);
  });
});

describe('a blank node, of which a newcomer has nothing to be told,', () => {
  const meet = (more: { blank?: true }): boolean => {
    driver.beat(driver.hello(OTHER, more));
    return driver.core.metBlank(OTHER.bootId);
  };

  it('says so until that changes', () => {
    const dial = (name: string) => {
      const [dialling] = driver.answer(name);
      const link = dialling!.link;
      return sent(driver.handle({ type: 'dialled', link, address: '10.9.9.9:4000' }), 'hello', link)[0];
    };
    expect(dial('app@10.0.0.3')).toMatchObject({ blank: true });
    driver.hello(OTHER);
    expect(sent(driver.last, 'welcome')).toMatchObject([{ blank: true }]);
    driver.handle({ type: 'notBlank' });
    expect(dial('app@10.0.0.4')).not.toHaveProperty('blank');
  });

  it('has met a blank one when both said so, and they were no peers before', () => {
    expect(meet({ blank: true })).toBe(true);
    driver.handle({ type: 'closed', link: 1, code: 'ECONNRESET' });
    driver.pass(60_000);
    expect(driver.names).toEqual([]);
    expect(meet({ blank: true })).toBe(false);
  });

  it('has not when the other side does not say so', () => {
    expect(meet({})).toBe(false);
  });

  it('has when something is to be told since the handshake, and not when it was before', () => {
    const link = driver.hello(OTHER, { blank: true });
    driver.handle({ type: 'notBlank' });
    driver.beat(link);
    expect(driver.core.metBlank(OTHER.bootId)).toBe(true);
    const later = nodeOf('app@10.0.0.9', '9');
    driver.beat(driver.hello(later, { blank: true }));
    expect(driver.core.metBlank(later.bootId)).toBe(false);
  });
});
