import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PeerageErrorCode } from '../../../lib/errors/peerage-error.js';
import type { Directive } from '../../../lib/membership/membership.types.js';
import type { Beat } from '../../../lib/wire/frames.js';
import { dialsOf, MembershipDriver, nodeOf } from '../../support/mesh/membership-driver.js';

/** How a dial may fail, without a word of the node that was dialled and without a port that refuses. */
const STRANGE: readonly PeerageErrorCode[] = [
  'WRONG_SECRET',
  'WRONG_CLUSTER',
  'VERSION_MISMATCH',
  'NOT_AUTHENTICATED',
  'SECURITY_MISMATCH',
  'NOT_PEERAGE',
  'FRAME_TOO_LARGE',
  'MALFORMED_FRAME',
  'NAME_TAKEN',
  'TOO_MANY_PEERS',
  'TOO_MANY_HANDSHAKES',
  'DIAL_TIMEOUT',
  'UNREACHABLE',
  'HOST_NOT_FOUND',
  'CONNECTION_LOST',
  'HANDSHAKE_TIMEOUT',
];

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

describe('an address that a peer cannot connect to', () => {
  const ADDRESS = '10.0.0.2:4370';
  const beat = (link: number, body: Partial<Beat>) =>
    driver.handle({ type: 'beat', link, body: { sentAt: driver.nowMs, ...body } });
  const fail = () => driver.handle({ type: 'unreached', address: ADDRESS, code: 'DIAL_TIMEOUT' });
  /** What the next beat to it says of its address. */
  const said = (link: number) => {
    const sent = beat(link, { now: true });
    return sent.flatMap((each) =>
      each.type === 'send' && each.frame.kind === 'beat' ? [each.frame.body] : [],
    )[0]?.unreached;
  };

  it('is told to the peer after the second try, and not any more when one is taken', () => {
    const link = driver.peer(OTHER);
    driver.pass(500);
    fail();
    expect(said(link)).toBeUndefined();
    expect(reaches(driver.pass(2_000))).toHaveLength(1);
    fail();
    expect(said(link)).toBe('DIAL_TIMEOUT');
    driver.reached(OTHER);
    expect(said(link)).toBeUndefined();
  });

  it('is tried when we found the peer at another one', () => {
    const [dial] = driver.answer('app@alias');
    driver.welcomed(dial!.link, OTHER);
    expect(reaches(driver.pass(500))).toMatchObject([{ address: ADDRESS }]);
  });

  it('is tried anew when the peer has another one', () => {
    const link = driver.peer(OTHER);
    driver.pass(500);
    fail();
    fail();
    const { name, host, port } = nodeOf('app@10.0.0.9');
    driver.handle({ type: 'meta', link, body: { meta: {}, node: { name, host, port } } });
    expect(said(link)).toBeUndefined();
    expect(reaches(driver.pass(500))).toMatchObject([{ address: '10.0.0.9:4370' }]);
  });

  it('is probed no more when the peer has another one', () => {
    const link = driver.peer(OTHER);
    const { name, host, port } = nodeOf('app@10.0.0.9');
    driver.handle({ type: 'meta', link, body: { meta: {}, node: { name, host, port } } });
    const probes = driver.pass(4_000).filter((each) => each.type === 'probe');
    expect(new Set(probes.map((probe) => probe.host))).toEqual(new Set(['10.0.0.9']));
  });

  it('is a note, until the peer says no more or our address is another', () => {
    const link = driver.peer(OTHER);
    const says = (unreached?: string) => beat(link, unreached === undefined ? {} : { unreached });
    expect(driver.core.notes()).toEqual([]);
    expect(says('DIAL_TIMEOUT')).toContainEqual({ type: 'outOfReach', link });
    expect(driver.core.notes()).toEqual([
      expect.stringMatching(/^1 of 1 peers cannot.*10\.0\.0\.1:4370.*PEERAGE_HOST/),
    ]);
    expect(says('DIAL_TIMEOUT')).not.toContainEqual({ type: 'outOfReach', link });
    says();
    expect(driver.core.notes()).toEqual([]);
    says('DIAL_TIMEOUT');
    const { name, host, port } = nodeOf('app@10.0.0.8');
    driver.handle({ type: 'changeSelf', change: { name, host, port } });
    expect(driver.core.notes()).toEqual([]);
  });

  it('is no reason to change ours while another peer connects to it', () => {
    const link = driver.peer(OTHER);
    driver.peer(nodeOf('app@10.0.0.3', '8'));
    expect(beat(link, { unreached: 'DIAL_TIMEOUT' })).not.toContainEqual({ type: 'outOfReach', link });
    expect(driver.core.notes()).toEqual([expect.stringMatching(/^1 of 2 peers/)]);
  });
});

describe('a peer that we can dial', () => {
  it('is gone when it was lost, found again by its own dial, and we are refused at once after that', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    driver.fail(reset(dial!.link).link, 'DIAL_TIMEOUT');
    const link = driver.peer(OTHER);
    driver.pass(500);
    driver.fail(reset(link).link);
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });

  it('is gone when we are refused after we dialled it', () => {
    const [dial] = driver.answer(OTHER.name);
    driver.welcomed(dial!.link, OTHER);
    driver.fail(reset(dial!.link).link);
    expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
  });

  describe('and whose redials meet damaged bytes or a stranger', () => {
    const code = fc.constantFrom(...STRANGE);
    /** Its connection breaks, and for `ms` each dial fails. */
    const meetStrangers = (node: MembershipDriver, codes: readonly PeerageErrorCode[], ms: number) => {
      const [dial] = node.answer(OTHER.name);
      node.welcomed(dial!.link, OTHER);
      let under = dialsOf(node.handle({ type: 'closed', link: dial!.link, code: 'ECONNRESET' }));
      for (let at = 0, i = 0; at < ms && node.names.length > 0; at += 50) {
        for (const { link } of under) node.fail(link, codes[i++ % codes.length]);
        under = dialsOf([...node.last, ...node.pass(50)]);
      }
      return under;
    };
    const told = (node: MembershipDriver) =>
      node.events.filter(({ type }) => type !== 'peer.refused').map(({ type }) => type);

    it('is not told of when it is reached again in time, whatever they answered', () => {
      fc.assert(
        fc.property(fc.array(code, { minLength: 1, maxLength: 6 }), fc.nat(1_900), (codes, ms) => {
          const node = new MembershipDriver();
          const [dial] = meetStrangers(node, codes, ms);
          if (dial) node.welcomed(dial.link, OTHER);
          else node.peer(OTHER);
          node.pass(1_000);
          expect(told(node)).toEqual(['peer.up']);
        }),
      );
    });

    it.each(STRANGE)('is down after its deadline when nothing else comes: %s', (answer) => {
      meetStrangers(driver, [answer], 6_000);
      expect(driver.events.at(-1)).toMatchObject({ type: 'peer.down', reason: 'closed' });
      expect(driver.nowMs).toBeGreaterThanOrEqual(2_000);
      expect(driver.nowMs).toBeLessThanOrEqual(4_100);
    });
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
