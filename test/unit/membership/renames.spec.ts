import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeInfo } from '../../../lib/naming/node-info.js';
import { MembershipDriver, nodeOf, sent } from '../../support/mesh/membership-driver.js';

const nameOf = (n: number): string => `app@10.0.0.${n}`;
const at = (node: NodeInfo, n: number): NodeInfo => nodeOf(nameOf(n), node.bootId[0]);

/** Peers whose addresses change while they run, as they tell by their connections. */
class World {
  readonly driver = new MembershipDriver();
  readonly nodes = ['7', '8', '9', 'a', 'b'].map((digit, i) => nodeOf(nameOf(i + 2), digit));
  readonly links = this.nodes.map((node) => this.driver.peer(node));

  /** One of them says that it goes by the name with this number from now on. */
  say(who: number, n: number): void {
    const { name, host, port, meta } = at(this.nodes[who]!, n);
    this.driver.handle({ type: 'meta', link: this.links[who]!, body: { meta, node: { name, host, port } } });
  }

  /** By boot id. */
  get names(): Record<string, string> {
    return Object.fromEntries(this.driver.core.peers().map(({ bootId, name }) => [bootId[0]!, name]));
  }
}

describe('peers that say other names than before', () => {
  it('exchange them when the second one says so', () => {
    const world = new World();
    world.say(0, 3);
    expect(world.names).toMatchObject({ 7: nameOf(2), 8: nameOf(3) });
    world.say(1, 2);
    expect(world.names).toMatchObject({ 7: nameOf(3), 8: nameOf(2) });
    const updates = world.driver.events.filter(({ type }) => type === 'peer.updated');
    expect(updates).toHaveLength(2);
  });

  it('wait for a name until its peer is down', () => {
    const world = new World();
    world.say(0, 3);
    world.driver.handle({ type: 'leave', link: world.links[1]!, body: { reason: 'left' } });
    expect(world.names).toMatchObject({ 7: nameOf(3) });
    expect(world.driver.events.slice(-2)).toMatchObject([
      { type: 'peer.down', peer: { name: nameOf(3) } },
      { type: 'peer.updated', peer: { name: nameOf(3) }, previous: { name: nameOf(2) } },
    ]);
  });

  it('make room for a newcomer at an address that they gave up, once they have theirs', () => {
    const world = new World();
    world.say(0, 3);
    world.say(1, 20);
    const link = world.driver.hello(nodeOf(nameOf(2), 'c'));
    expect(sent(world.driver.last, 'welcome', link)).toHaveLength(1);
    world.driver.beat(link);
    expect(world.names).toMatchObject({ 7: nameOf(3), 8: nameOf(20), c: nameOf(2) });
  });

  it('exchange them by new connections, since the old ones ended with the addresses', () => {
    const { driver, nodes, links } = new World();
    for (const link of links.slice(0, 2)) driver.handle({ type: 'closed', link, code: 'ETIMEDOUT' });
    for (const node of [at(nodes[0]!, 3), at(nodes[1]!, 2)]) {
      const link = driver.hello(node);
      expect(sent(driver.last, 'welcome', link)).toHaveLength(1);
      driver.beat(link, driver.nowMs);
    }
    expect(driver.events.filter(({ type }) => type === 'peer.down' || type === 'peer.refused')).toEqual([]);
    const names = driver.core.peers().map(({ bootId, name }) => [bootId[0], name]);
    expect(names).toEqual(
      expect.arrayContaining([
        ['7', nameOf(3)],
        ['8', nameOf(2)],
      ]),
    );
  });

  it('go by what each said last, when these are different names, and never two by one', () => {
    const who = fc.nat(4);
    const sayings = fc.array(fc.tuple(who, fc.integer({ min: 2, max: 8 })), { maxLength: 12 });
    const last = fc.shuffledSubarray([2, 3, 4, 5, 6, 7, 8], { minLength: 5, maxLength: 5 });
    const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(sayings, last, order, (before, finally_, turns) => {
        const world = new World();
        const all = [...before, ...turns.map((each) => [each, finally_[each]!] as const)];
        for (const [each, n] of all) {
          world.say(each, n);
          expect(new Set(Object.values(world.names)).size).toBe(5);
        }
        const said = Object.fromEntries(
          world.nodes.map(({ bootId }, i) => [bootId[0]!, nameOf(finally_[i]!)]),
        );
        expect(world.names).toEqual(said);
        expect(world.driver.events.every(({ type }) => type === 'peer.up' || type === 'peer.updated')).toBe(
          true,
        );
      }),
      { numRuns: 500 },
    );
  });
});
