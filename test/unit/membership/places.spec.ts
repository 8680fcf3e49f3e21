import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closed, MembershipDriver, nodeOf, sent } from '../../support/mesh/membership-driver.js';

describe('limits.peers', () => {
  it('holds, however handshakes and dials overlap', () => {
    const step = fc.record({
      who: fc.nat(7),
      does: fc.constantFrom(
        'hello' as const,
        'beat' as const,
        'welcome' as const,
        'close' as const,
        'pass' as const,
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, peers) => {
        const node = new MembershipDriver({ peers });
        const nodes = Array.from({ length: 8 }, (_, i) => nodeOf(`app@10.0.1.${i}`, `${i < 5 ? i : i + 1}`));
        const links = new Map<number, number>();
        const dials = node.answer(...nodes.map(({ name }) => name));
        for (const { who, does } of steps) {
          const link = links.get(who);
          if (does === 'hello') links.set(who, node.hello(nodes[who]!));
          else if (does === 'beat' && link !== undefined) node.beat(link);
          else if (does === 'close' && link !== undefined) node.handle({ type: 'closed', link, code: 'EOF' });
          else if (does === 'pass') node.pass(500);
          else if (does === 'welcome') {
            const dial = dials.find(({ host }) => host === nodes[who]!.host);
            if (dial) node.welcomed(dial.link, nodes[who]!);
          }
          expect(node.names.length).toBeLessThanOrEqual(peers);
        }
      }),
    );
  });

  it('counts who was welcomed and has not gone on yet, and forgets it when it does not', () => {
    const node = new MembershipDriver({ peers: 1 });
    const [first, second] = [nodeOf('app@10.0.0.2', '7'), nodeOf('app@10.0.0.3', '8')];
    node.hello(first);
    const refused = node.hello(second);
    expect(sent(node.last, 'refuse', refused)).toMatchObject([{ code: 'TOO_MANY_PEERS' }]);
    // The same node may come by another connection.
    expect(sent([...node.last, ...(node.hello(first), node.last)], 'welcome')).toHaveLength(1);
    node.pass(3_000);
    node.peer(second);
    expect(node.names).toEqual([second.name]);
  });
});

describe('a process with the boot id of a peer and another probe key', () => {
  const OTHER_KEY = new Uint8Array(32).fill(1);
  const peer = nodeOf('app@10.0.0.2', '7');

  it('is refused, told of, and changes nothing, by whichever side it was dialled', () => {
    const node = new MembershipDriver();
    const link = node.peer(peer);
    const thief = node.hello(peer, { probeKey: OTHER_KEY });
    expect(sent(node.last, 'refuse', thief)).toMatchObject([{ code: 'NAME_TAKEN' }]);
    const [dial] = node.answer('app@10.0.0.9');
    node.welcomed(dial!.link, nodeOf('app@10.0.0.9', '7'), { probeKey: OTHER_KEY });
    expect(closed(node.last)).toContain(dial!.link);
    expect(closed(node.last)).not.toContain(link);
    expect(node.events).toMatchObject([
      { type: 'peer.up' },
      { type: 'peer.refused', code: 'NAME_TAKEN', direction: 'inbound' },
      { type: 'peer.refused', code: 'NAME_TAKEN', direction: 'outbound' },
    ]);
  });

  it('is turned away when it was welcomed before the peer was one', () => {
    const node = new MembershipDriver();
    const thief = node.hello(peer, { probeKey: OTHER_KEY });
    const link = node.peer(peer);
    node.beat(thief);
    expect(closed(node.last)).toEqual([thief]);
    node.beat(link);
    expect(node.names).toEqual([peer.name]);
    expect(node.events).toMatchObject([{ type: 'peer.up' }, { type: 'peer.refused', code: 'NAME_TAKEN' }]);
  });
});
