import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Directive, LinkId } from '../../../lib/membership/membership.types.js';
import { nodeOf, dialsOf, MembershipDriver } from '../../support/mesh/membership-driver.js';
import { parseNodeName } from '../../../lib/naming/node-name.js';

const HINTED = 16;
const PEERS = 4;
const FRIEND = nodeOf('app@10.0.0.2', '0');

/** What every map of the core holds, by name. */
function sizes({ core }: MembershipDriver): Record<string, number> {
  const { book, timers, links, handshakes, peers, byAddress, dials, conflicts, ready, ...rest } =
    core['core'];
  const { hinted, former, bound } = book as unknown as Record<string, Map<string, unknown>>;
  return {
    addresses: book.size,
    hinted: hinted!.size,
    former: former!.size,
    bound: bound!.size,
    timers: timers.heldSize,
    links: links.size,
    handshakes: handshakes.size,
    peers: peers.size,
    byAddress: byAddress.size,
    dials: dials.size,
    conflicts: conflicts.size,
    ready: Object.values(ready).reduce((sum, { length }) => sum + length, 0),
    falseAlarms: rest.falseAlarmsOf.size,
    disconnected: rest.disconnected.size,
  };
}

/** Members that join under invented names, tell names, answer at some of them, and leave as they like. */
class Liars {
  readonly driver = new MembershipDriver({ hintedNames: HINTED, peers: PEERS });
  private made = 0;
  private links: LinkId[] = [];
  private dials: { readonly link: LinkId; readonly untilMs: number }[] = [];

  bootId(): string {
    return (this.made += 1).toString(16).padStart(32, '1');
  }

  name(): string {
    this.made += 1;
    return `liar@10.${(this.made >> 16) & 255}.${(this.made >> 8) & 255}.${this.made & 255}`;
  }

  join(): void {
    const link = this.driver.hello({ ...nodeOf(this.name()), bootId: this.bootId() });
    this.note(this.driver.last);
    this.note(this.driver.beat(link));
    if (this.driver.core['core'].links.has(link)) this.links.push(link);
  }

  rename(): void {
    const link = this.links[0];
    if (link === undefined) return;
    const name = this.name();
    const { host, port } = parseNodeName(name);
    this.note(this.driver.handle({ type: 'meta', link, body: { meta: {}, node: { name, host, port } } }));
  }

  gossip(): void {
    const link = this.links[0];
    if (link === undefined) return;
    const peers = Array.from({ length: 10 }, () => ({ name: this.name(), bootId: this.bootId() }));
    this.note(this.driver.handle({ type: 'peers', link, body: { peers } }));
  }

  leave(how: 'left' | 'disconnected' | 'ECONNRESET'): void {
    const link = this.links.shift();
    if (link === undefined) return;
    if (how === 'ECONNRESET') this.note(this.driver.handle({ type: 'closed', link, code: how }));
    else this.note(this.driver.handle({ type: 'leave', link, body: { reason: how } }));
  }

  /** Ends each dial under way. */
  answer(how: 'welcome' | 'LEAVING' | 'CONNECTION_REFUSED' | 'WRONG_SECRET'): void {
    for (const { link } of this.dials.splice(0)) {
      if (!this.driver.core['core'].links.has(link)) continue;
      if (how === 'CONNECTION_REFUSED' || how === 'WRONG_SECRET') this.note(this.driver.fail(link, how));
      else {
        this.driver.handle({ type: 'dialled', link, address: '10.9.9.9:4370' });
        if (how === 'LEAVING')
          this.note(this.driver.handle({ type: 'refuse', link, body: { code: how, message: 'bye' } }));
        else {
          this.note(this.driver.welcome(link, { ...nodeOf(this.name()), bootId: this.bootId() }));
          if (this.driver.core['core'].links.has(link)) this.links.push(link);
        }
      }
    }
  }

  pass(ms: number): void {
    for (let at = 0; at < ms; at += 100) {
      this.note(this.driver.pass(100));
      const over = this.dials.filter(({ untilMs }) => untilMs <= this.driver.nowMs);
      this.dials = this.dials.filter((dial) => !over.includes(dial));
      for (const { link } of over) this.note(this.driver.fail(link, 'DIAL_TIMEOUT'));
    }
  }

  private note(directives: Directive[]): void {
    const untilMs = this.driver.nowMs + 2_000;
    this.dials.push(...dialsOf(directives).map(({ link }) => ({ link, untilMs })));
  }
}

const op = fc.record({
  does: fc.constantFrom(
    (liars: Liars) => liars.join(),
    (liars: Liars) => liars.rename(),
    (liars: Liars) => liars.gossip(),
    (liars: Liars) => liars.leave('left'),
    (liars: Liars) => liars.leave('disconnected'),
    (liars: Liars) => liars.leave('ECONNRESET'),
    (liars: Liars) => liars.answer('welcome'),
    (liars: Liars) => liars.answer('LEAVING'),
    (liars: Liars) => liars.answer('CONNECTION_REFUSED'),
    (liars: Liars) => liars.answer('WRONG_SECRET'),
    (liars: Liars) => liars.pass(100),
    (liars: Liars) => liars.pass(1_000),
  ),
  times: fc.integer({ min: 1, max: 40 }),
});

describe('what members can make a node remember', () => {
  it('is bounded, whatever they tell, wherever they answer and however they leave', () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 30, maxLength: 80 }), (ops) => {
        const liars = new Liars();
        for (const { does, times } of ops) {
          for (let i = 0; i < times; i++) does(liars);
          const held = sizes(liars.driver);
          expect(held['peers']).toBeLessThanOrEqual(PEERS);
          expect(held['byAddress']).toBeLessThanOrEqual(PEERS);
          expect(held['hinted']).toBeLessThanOrEqual(HINTED);
          expect(held['former']).toBeLessThanOrEqual(HINTED);
          expect(held['dials']).toBeLessThanOrEqual(64);
          expect(held['addresses']).toBeLessThanOrEqual(2 * HINTED + 2 * PEERS + held['dials']!);
          expect(held['links']).toBeLessThanOrEqual(PEERS + held['handshakes']!);
          expect(held['falseAlarms']).toBeLessThanOrEqual(1_024);
          expect(held['ready']).toBeLessThanOrEqual(4 * HINTED + 2 * PEERS);
          expect(held['bound']).toBeLessThanOrEqual(PEERS);
          expect(held['conflicts']).toBeLessThanOrEqual(held['handshakes']!);
          expect(held['disconnected']).toBe(0);
          expect(held['timers']).toBeLessThanOrEqual(1_024);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('of a member that has another name in each frame is two addresses: its last one, and where we dialled it', () => {
    const driver = new MembershipDriver();
    const [dial] = driver.answer('app@10.0.0.9');
    driver.welcomed(dial!.link, FRIEND);
    for (let i = 0; i < 1_000; i++) {
      const name = `app@10.1.${i >> 8}.${i & 255}`;
      const { host, port } = parseNodeName(name);
      driver.handle({ type: 'meta', link: dial!.link, body: { meta: {}, node: { name, host, port } } });
    }
    expect(driver.core.explain(driver.nowMs).map(({ name }) => name)).toEqual([
      'app@10.0.0.9',
      'app@10.1.3.231',
    ]);
  });

  it('of members that hung up under invented names counts as hearsay, and keeps nobody from being dialled', () => {
    const driver = new MembershipDriver({ hintedNames: HINTED });
    let dials = 0;
    const end = (directives: Directive[]): void => {
      for (const { link } of dialsOf(directives)) {
        dials += 1;
        end(driver.fail(link, 'DIAL_TIMEOUT'));
      }
    };
    for (let i = 0; i < 200; i++) {
      const link = driver.peer({
        ...nodeOf(`liar@10.1.${i >> 8}.${i & 255}`),
        bootId: i.toString(16).padStart(32, '1'),
      });
      end(driver.handle({ type: 'closed', link, code: 'ECONNRESET' }));
      end(driver.pass(20));
    }
    end(driver.pass(10_000));
    expect(driver.names).toEqual([]);
    expect(driver.core.explain(driver.nowMs).length).toBeLessThanOrEqual(HINTED);
    dials = 0;
    for (let i = 0; i < 100; i++) end(driver.pass(100));
    // Ten seconds of the longest pause, 5 s, for each of them.
    expect(dials).toBeLessThanOrEqual(4 * HINTED);
  });

  it('does not push out whom we had reached ourselves and have lost', () => {
    const driver = new MembershipDriver({ hintedNames: HINTED });
    const [dial] = driver.hint(FRIEND.name);
    driver.welcomed(dial!.link, FRIEND);
    const [redial] = dialsOf(driver.handle({ type: 'closed', link: dial!.link, code: 'ECONNRESET' }));
    driver.fail(redial!.link);
    expect(driver.names).toEqual([]);
    for (let i = 0; i < 100; i++) {
      const link = driver.peer({
        ...nodeOf(`liar@10.1.0.${i}`),
        bootId: i.toString(16).padStart(32, '1'),
      });
      for (const { link: each } of dialsOf(driver.handle({ type: 'closed', link, code: 'ECONNRESET' })))
        driver.fail(each);
    }
    for (let i = 0; i < 50; i++) for (const { link } of dialsOf(driver.pass(100))) driver.fail(link);
    expect(driver.core.explain(driver.nowMs).map(({ name }) => name)).toContain(FRIEND.name);
  });
});
