import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { Gate } from '../../../lib/messaging/gate.js';
import type { Peer } from '../../../lib/membership/events.js';
import { MessageRoutes } from '../../../lib/mesh/message-routes.js';
import type { Link } from '../../../lib/mesh/transport/transport.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import { settings } from '../../support/peerage-settings.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const ROOM = 1_000_000;
const BYTES = 50_000;
const LIMITS = { frameBytes: 4e6, messageBytes: 4e6 };

/** A member that sends what it likes to a node whose handlers never end, as those of an app that still boots. */
class Member {
  /** Bytes handed to handlers, by boot id, and not given up. */
  readonly held = new Map<string, number>();
  private readonly routes = new MessageRoutes(
    { ...settings().limits, receiveQueueBytes: ROOM, handlers: 4 },
    new VirtualClock(),
  );
  private joined = 0;
  private lastLink = 0;
  /** Its open links, the current one last. */
  private links: number[] = [];
  refusedBy: PeerageError | undefined;
  private readonly ends: (() => void)[] = [];

  constructor() {
    this.routes.receive(
      (from) => {
        this.held.set(from, (this.held.get(from) ?? 0) + BYTES);
        return new Promise<void>((resolve) => this.ends.push(resolve));
      },
      undefined,
      (from) => this.held.delete(from),
    );
    this.join();
  }

  get bootId(): string {
    return `member ${this.joined}`;
  }

  /** What the node has to keep, with what waits for its handlers. */
  get heldBytes(): number {
    const waiting = this.routes.stats().handlers.waiting * BYTES;
    return [...this.held.values()].reduce((sum, bytes) => sum + bytes, waiting);
  }

  send(topic: string, isDrained: boolean, kind: number = FrameKind.event): void {
    const id = isDrained ? this.links[0]! : this.links.at(-1)!;
    const body = kind === FrameKind.event ? [topic, 1] : [1, topic, 1];
    this.routes.arrived(id, this.linkOf(id), kind, body, BYTES);
  }

  /** Another connection takes the place of its connection, which is drained. */
  reconnect(): void {
    this.routes.linkEnds(this.links.at(-1)!);
    this.connect();
  }

  /** It goes, and comes back as another process. */
  leave(saysGoodbye: boolean): void {
    const left = saysGoodbye ? ({ bootId: this.bootId } as Peer) : undefined;
    this.routes.peerDown(this.bootId, new PeerageError('PEER_GONE', 'gone'), left);
    for (const id of this.links.splice(0)) this.routes.linkClosed(id);
    this.join();
  }

  async endHandlers(): Promise<void> {
    for (const end of this.ends.splice(0)) end();
    this.held.clear();
    await Promise.resolve();
  }

  private join(): void {
    this.joined += 1;
    this.connect();
  }

  private connect(): void {
    const id = (this.lastLink += 1);
    this.links.push(id);
    this.routes.route(this.bootId, id, this.linkOf(id), LIMITS);
  }

  private linkOf(id: number): Link {
    const destroy = (error?: PeerageError): void => {
      this.refusedBy = error;
      this.links = this.links.filter((each) => each !== id);
      this.routes.linkClosed(id);
      if (this.links.length === 0) this.leave(false);
    };
    return { send: () => true, carry: () => {}, destroy } as unknown as Link;
  }
}

describe('what a member can make a node hold whose handlers do not end', () => {
  it('is bounded, whatever it sends by whichever link, and however often it comes back', () => {
    const op = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          topic: fc.constantFrom('t', '$own', '$$library'),
          isDrained: fc.boolean(),
          isRequest: fc.boolean(),
          times: fc.integer({ min: 1, max: 120 }),
        }),
      },
      { weight: 2, arbitrary: fc.constantFrom('reconnect' as const, 'goodbye' as const, 'cut' as const) },
    );
    fc.assert(
      fc.property(fc.array(op, { minLength: 20, maxLength: 80 }), (ops) => {
        const member = new Member();
        let most = 0;
        for (const each of ops) {
          if (each === 'reconnect') member.reconnect();
          else if (typeof each === 'string') member.leave(each === 'goodbye');
          else
            for (let i = 0; i < each.times; i++)
              member.send(each.topic, each.isDrained, each.isRequest ? FrameKind.request : FrameKind.event);
          most = Math.max(most, member.heldBytes);
        }
        // A peer: its window, what is drained, what needs no room. As much of one that has left, and a window besides.
        expect(most).toBeLessThan(12 * ROOM);
      }),
      { numRuns: 40 },
    );
  });

  it.each([FrameKind.event, FrameKind.request])('is bounded for what needs no room: kind %i', (kind) => {
    const member = new Member();
    for (let i = 0; i < 100 && !member.refusedBy; i++) member.send('$$library', false, kind);
    expect(member.refusedBy).toMatchObject({ code: 'MALFORMED_FRAME' });
    expect(member.heldBytes).toBeLessThanOrEqual(ROOM + 2 * BYTES);
  });

  it('is bounded for a link that is being drained, too', () => {
    const member = new Member();
    member.reconnect();
    for (let i = 0; i < 200 && !member.refusedBy; i++) member.send('t', true);
    expect(member.refusedBy).toMatchObject({ code: 'MALFORMED_FRAME' });
    expect(member.heldBytes).toBeLessThanOrEqual(3 * ROOM);
  });

  it('is no end of what handlers have done with', async () => {
    const member = new Member();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 15; i++) member.send('$$library', false);
      await member.endHandlers();
    }
    expect(member.refusedBy).toBeUndefined();
  });
});

describe('the gate of an app that still boots', () => {
  it('forgets what waits of who is gone, and nothing else', () => {
    const gate = new Gate();
    const done: string[] = [];
    for (const from of ['a', 'b', 'a']) void gate.pass(() => done.push(from), from);
    void gate.pass(() => done.push('our own'));
    gate.drop('a');
    expect(gate.size).toBe(2);
    gate.open();
    expect(done).toEqual(['b', 'our own']);
  });
});
