import { beforeEach, describe, expect, it } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import { MessageRoutes } from '../../../lib/mesh/message-routes.js';
import type { Outbox } from '../../../lib/mesh/transport/outbox.js';
import type { Link } from '../../../lib/mesh/transport/transport.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { settings } from '../../support/peerage-settings.js';

const LIMITS = { frameBytes: 4e6, messageBytes: 4e6 };
const A = 'a'.repeat(32);
const B = 'b'.repeat(32);

/** A link that only notes what it carries. */
class NotedLink {
  carried: Outbox | undefined;
  destroyedBy: PeerageError | undefined;

  send(): boolean {
    return true;
  }

  carry(outbox: Outbox | undefined): void {
    this.carried = outbox;
  }

  destroy(error?: PeerageError): void {
    this.destroyedBy = error;
  }
}

const linkOf = (noted: NotedLink): Link => noted as unknown as Link;

describe('the routes of messages', () => {
  let routes: MessageRoutes;
  let taken: [string, number, unknown][];
  beforeEach(() => {
    routes = new MessageRoutes(settings().limits, new VirtualClock());
    taken = [];
    routes.receive((from, kind, body) => void taken.push([from, kind, body]));
  });

  const route = (bootId: string, id: number): NotedLink => {
    const link = new NotedLink();
    routes.route(bootId, id, linkOf(link), LIMITS);
    return link;
  };
  const arrive = (id: number, body: unknown, link = new NotedLink()): void =>
    routes.arrived(id, linkOf(link), FrameKind.event, body, 100);

  it('lead to peers, and to nobody else', () => {
    expect(routes.post(A, FrameKind.event, ['x', 1])).toBe('gone');
    expect(routes.hand(A, FrameKind.event, ['x', 1])).toBe('gone');
    const link = route(A, 1);
    expect(routes.post(A, FrameKind.event, ['x', 1])).toBe('queued');
    expect(link.carried!.bytes).toBeGreaterThan(0);
    routes.peerDown(A, new PeerageError('PEER_GONE', 'gone'));
    expect(link.carried).toBeUndefined();
    expect(routes.post(A, FrameKind.event, ['x', 1])).toBe('gone');
  });

  it('keep what waits while there is no link', () => {
    const first = route(A, 1);
    const outbox = first.carried;
    routes.unroute(A);
    expect(first.carried).toBeUndefined();
    expect(routes.post(A, FrameKind.event, ['x', 1])).toBe('queued');
    routes.linkClosed(1);
    const second = route(A, 2);
    expect(second.carried).toBe(outbox);
    expect(second.carried!.bytes).toBeGreaterThan(0);
  });

  it('change to another link when the old one has sent all it had, so that the order stays', () => {
    route(A, 1);
    routes.linkEnds(1);
    const second = route(A, 2);
    expect(second.carried).toBeUndefined();
    arrive(1, ['old link']);
    routes.linkClosed(1);
    expect(second.carried).toBeDefined();
    arrive(2, ['new link']);
    arrive(1, ['nobody']);
    expect(taken.map(([from, , body]) => [from, body])).toEqual([
      [A, ['old link']],
      [A, ['new link']],
    ]);
  });

  it('keep the order where the other end gave the old link up before it was read', () => {
    route(A, 1);
    routes.linkEnds(1);
    route(A, 2);
    arrive(2, ['new link']);
    arrive(1, ['old link']);
    arrive(2, ['new link again']);
    expect(taken.map(([, , body]) => body)).toEqual([['old link']]);
    routes.linkClosed(1);
    expect(taken.map(([, , body]) => body)).toEqual([['old link'], ['new link'], ['new link again']]);
    arrive(2, ['later']);
    expect(taken).toHaveLength(4);
  });

  it('change at once when the old link stays open, for whatever reason', () => {
    const first = route(A, 1);
    const second = route(A, 2);
    expect(first.carried).toBeUndefined();
    expect(second.carried).toBeDefined();
  });

  it('forget a link that was to follow when that ends, too', () => {
    route(A, 1);
    routes.linkEnds(1);
    const second = route(A, 2);
    routes.linkEnds(2);
    const third = route(A, 3);
    routes.linkClosed(2);
    routes.linkClosed(1);
    expect(second.carried).toBeUndefined();
    expect(third.carried).toBeDefined();
  });

  it('lead to all', () => {
    route(A, 1);
    route(B, 2);
    expect(routes.postAll(FrameKind.event, ['x', 1], 'x')).toEqual({ queued: 2, full: [], tooLong: [] });
    while (routes.post(A, FrameKind.event, ['x', Buffer.alloc(1e6)], 'x') === 'queued');
    expect(routes.postAll(FrameKind.event, ['x', Buffer.alloc(1e6)], 'x')).toEqual({
      queued: 1,
      full: [A],
      tooLong: [],
    });
    expect(() => routes.postAll(FrameKind.event, ['x', () => {}], 'x')).toThrow('data is a function');
  });

  it('close the link that brings what makes no sense', () => {
    const error = new PeerageError('MALFORMED_FRAME', 'nonsense');
    routes.receive(() => {
      throw error;
    });
    const link = route(A, 1);
    arrive(1, ['x'], link);
    expect(link.destroyedBy).toBe(error);
    const bug = new TypeError('BigInt');
    routes.receive(() => {
      throw bug;
    });
    const other = route(B, 2);
    arrive(2, ['x'], other);
    expect(other.destroyedBy).toMatchObject({ code: 'MALFORMED_FRAME', cause: bug });
  });

  it('end all at once', async () => {
    route(A, 1);
    route(B, 2);
    const promises = [A, B].map((bootId) => routes.hand(bootId, FrameKind.event, ['x', 1]) as Promise<void>);
    routes.stop(new PeerageError('NOT_RUNNING', 'stopped'));
    for (const promise of promises) await expect(promise).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(routes.postAll(FrameKind.event, ['x', 1])).toEqual({ queued: 0, full: [], tooLong: [] });
  });
});
