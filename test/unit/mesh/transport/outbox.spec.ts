import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../../lib/errors/peerage-error.js';
import { FrameKind } from '../../../../lib/wire/frames.js';
import { FrameReader } from '../../../../lib/wire/frame-reader.js';
import { FrameWriter } from '../../../../lib/wire/frame-writer.js';
import { Outbox } from '../../../../lib/mesh/transport/outbox.js';
import type { WriteReceipt } from '../../../../lib/mesh/transport/write-receipts.js';

const LIMITS = { messageBytes: 4e6, frameBytes: 4e6, sendQueueBytes: 16e6 };
const NAMES = ['topic', 'data'];

interface Message {
  readonly lane: string;
  readonly i: number;
  readonly size: number;
}

function setUp(limits: Partial<typeof LIMITS> = {}, write: () => void = () => {}) {
  const losses: unknown[][] = [];
  const outbox = new Outbox({ ...LIMITS, ...limits }, (...loss) => void losses.push(loss));
  outbox.restart(Infinity);
  const bodies: unknown[] = [];
  const failures: PeerageError[] = [];
  const reader = new FrameReader(LIMITS.frameBytes, {
    frame: (_kind, body) => void bodies.push(body),
    failed: (error) => void failures.push(error),
  });
  let wakes = 0;
  const release = (): void => outbox.release(() => void wakes++, write);
  /** One write: what was taken, read at the other end. */
  const take = (): { bytes: number; tickets: WriteReceipt[] } => {
    const buffers: Buffer[] = [];
    const tickets: WriteReceipt[] = [];
    outbox.take(buffers, tickets, 0);
    for (const buffer of buffers) reader.push(Buffer.from(buffer));
    expect(failures).toEqual([]);
    return { bytes: buffers.reduce((sum, buffer) => sum + buffer.length, 0), tickets };
  };
  const push = (body: unknown, lane?: string, kind: number = FrameKind.event, id: unknown = lane): boolean =>
    outbox.push(kind, [id, body], NAMES, lane);
  release();
  return { outbox, bodies, take, push, release, wakes: () => wakes, reader, losses };
}

const state = async (promise: Promise<void>): Promise<string> =>
  Promise.race([
    promise.then(
      () => 'handed',
      (error: PeerageError) => error.code,
    ),
    new Promise<string>((resolve) => setImmediate(() => resolve('waits'))),
  ]);

describe('an outbox', () => {
  it('gives small messages in one piece, in order', () => {
    const { outbox, push, take, bodies, wakes } = setUp();
    for (let i = 0; i < 100; i++) push(i, 'x');
    expect(wakes()).toBe(1);
    const buffers: Buffer[] = [];
    expect(outbox.bytes).toBeGreaterThan(0);
    outbox.take(buffers, [], 0);
    expect(buffers).toHaveLength(1);
    expect(outbox.bytes).toBe(0);
    push(100, 'x');
    take();
    expect(wakes()).toBe(2);
    expect(bodies).toEqual([['x', 100]]);
  });

  it('brings every message over, in order within its lane, whatever the sizes and the turns', () => {
    const message = fc.record({
      lane: fc.constantFrom('a', 'b', 'c'),
      size: fc.oneof({ weight: 8, arbitrary: fc.nat(300) }, fc.nat(300_000)),
      takes: fc.nat(2),
      event: fc.constantFrom('none', 'none', 'hold', 'detach'),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const { outbox, push, take, bodies, release } = setUp();
        const sent: Message[] = [];
        for (const [i, { lane, size, takes, event }] of messages.entries()) {
          expect(push({ lane, i, size, bytes: Buffer.alloc(size, i) }, lane)).toBe(true);
          sent.push({ lane, i, size });
          if (event === 'hold') outbox.hold();
          for (let n = 0; n < takes; n++) take();
          if (event === 'hold') release();
        }
        while (outbox.bytes > 0) take();
        const received = bodies.map((body) => (body as [string, Message & { bytes: Buffer }])[1]);
        expect(received).toHaveLength(sent.length);
        for (const { i, size, bytes } of received) expect(bytes.equals(Buffer.alloc(size, i))).toBe(true);
        for (const lane of ['a', 'b', 'c']) {
          const numbers = (list: readonly Message[]) =>
            list.filter((each) => each.lane === lane).map(({ i }) => i);
          expect(numbers(received)).toEqual(numbers(sent));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('lets short messages of other lanes pass a long one, part by part', () => {
    const { push, take, bodies } = setUp();
    push(Buffer.alloc(1e6), 'long');
    let takes = 0;
    for (; !bodies.some((body) => (body as [string])[0] === 'long'); takes++) {
      push(takes, 'short');
      expect(take().bytes).toBeLessThan(70_000);
      expect(bodies.filter((body) => (body as [string])[0] === 'short')).toHaveLength(takes + 1);
    }
    expect(takes).toBeGreaterThan(15);
  });

  it.each([
    ['a request', FrameKind.request, 7],
    ['an answer', FrameKind.reply, 8],
    ['an event', FrameKind.event, 'long'],
  ])(
    'sends no part of %s by another link when its own was lost, and says that it is lost',
    async (_, kind, id) => {
      const { outbox, push, take, release, losses } = setUp();
      push(Buffer.alloc(1e6, 7), 'long', kind, id);
      const ticket = kind === FrameKind.event ? outbox.ticket(FrameKind.event, 'long') : undefined;
      for (let i = 0; i < 5; i++) take();
      push('follows', 'long', kind);
      push('short', 'other');
      outbox.detach();
      expect(losses).toEqual([[kind, id, expect.objectContaining({ code: 'CONNECTION_LOST' })]]);
      if (ticket) expect(await state(ticket)).toBe('CONNECTION_LOST');
      release();
      const other = setUp();
      while (outbox.bytes > 0) {
        const buffers: Buffer[] = [];
        outbox.take(buffers, [], 0);
        for (const buffer of buffers) other.reader.push(buffer);
      }
      expect(other.bodies.map((body) => (body as [string, string])[1]).sort()).toEqual(['follows', 'short']);
      outbox.detach();
      expect(losses).toHaveLength(1);
    },
  );

  it('ends a long message on a link that is being closed', () => {
    const { outbox, push, take, reader, bodies, losses } = setUp();
    push(Buffer.alloc(1e6, 7), 'long');
    push(Buffer.alloc(1e6, 7), 'not begun');
    take();
    const buffers: Buffer[] = [];
    outbox.takeRest(buffers, []);
    outbox.detach();
    for (const buffer of buffers) reader.push(buffer);
    expect(bodies).toHaveLength(1);
    expect(losses).toEqual([]);
    expect(outbox.bytes).toBeGreaterThan(1e6);
  });

  describe('and what the peer has room for', () => {
    it('holds events and requests back, and no answers', () => {
      const { outbox, push, take, bodies, wakes } = setUp();
      outbox.restart(0);
      push('event', 'x');
      push('long event', 'y');
      push('request', 'x', FrameKind.request);
      expect([outbox.isReady, wakes()]).toEqual([false, 0]);
      push('answer', undefined, FrameKind.reply);
      push(Buffer.alloc(200_000), undefined, FrameKind.reply);
      push('control', '$$roll');
      expect([outbox.isReady, wakes()]).toEqual([true, 1]);
      while (outbox.isReady) take();
      expect(bodies).toHaveLength(3);
      outbox.grant(1);
      expect(wakes()).toBe(2);
      take();
      expect(bodies).toHaveLength(6);
      expect(outbox.bytes).toBe(0);
    });

    it('lets short ones pass one that is longer than all the room there is', () => {
      const { outbox, push, take, bodies } = setUp();
      outbox.restart(100_000);
      push(Buffer.alloc(1e6), 'long');
      for (let i = 0; i < 10; i++) {
        push(i, 'short');
        take();
      }
      expect(bodies).toHaveLength(10);
      while (outbox.isReady) take();
      expect(bodies).toHaveLength(11);
      push('waits', 'short');
      expect(outbox.isReady).toBe(false);
    });

    it('overdraws by one write or one message at most', () => {
      fc.assert(
        fc.property(
          fc.array(fc.oneof({ weight: 5, arbitrary: fc.nat(2_000) }, fc.nat(300_000)), { maxLength: 100 }),
          fc.array(fc.integer({ min: 1, max: 500_000 }), { maxLength: 20 }),
          (sizes, grants) => {
            const { outbox, push, take, bodies } = setUp();
            outbox.restart(0);
            for (const [i, size] of sizes.entries())
              push(Buffer.alloc(size), size > 100_000 ? `long ${i}` : 'x');
            let credit = 0;
            let sent = 0;
            for (const bytes of [...grants, Infinity]) {
              outbox.grant(bytes);
              credit += bytes;
              while (outbox.isReady) {
                sent += take().bytes;
                expect(sent).toBeLessThan(credit + 310_000 + 128_000);
              }
              expect(outbox.bytes === 0 || sent >= credit).toBe(true);
            }
            expect(bodies).toHaveLength(sizes.length);
          },
        ),
        { numRuns: 50 },
      );
    });
  });

  it('holds about as much memory as waits, whatever waits behind what', () => {
    const size = fc.oneof({ weight: 8, arbitrary: fc.nat(300) }, fc.integer({ min: 60_000, max: 300_000 }));
    const message = fc.record({
      lane: fc.constantFrom('a', 'b', 'c', undefined),
      size,
      kind: fc.constantFrom(FrameKind.event, FrameKind.request, FrameKind.reply),
      credit: fc.nat(1_000),
      takes: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 200 }), (messages) => {
        const { outbox, push, take } = setUp();
        outbox.restart(0);
        for (const { lane, size: length, kind, credit, takes } of messages) {
          push(Buffer.alloc(length), lane, kind);
          if (credit > 950) outbox.grant(credit);
          if (takes > 0) take();
          // A long one that goes in one piece is encoded in up to twice its room.
          expect(outbox.heldBytes).toBeLessThan(2 * outbox.bytes + 4 * 140_000);
        }
        outbox.grant(Infinity);
        while (outbox.bytes > 0) take();
        expect(outbox.heldBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('holds no slab for each short message behind a long one', () => {
    const { outbox, push } = setUp({ sendQueueBytes: 64e6, messageBytes: 16e6 });
    outbox.hold();
    push(Buffer.alloc(8e6), 'x');
    for (let i = 0; i < 1_000; i++) {
      push('short', 'x');
      push(Buffer.alloc(60_000), 'others');
      outbox.take([], [], 0);
    }
    expect(outbox.heldBytes).toBeLessThan(9e6);
  });

  it('has an end of its room, with a little left for errors', () => {
    const { outbox, push, take, bodies } = setUp({ sendQueueBytes: 10_000, messageBytes: 10_000 });
    let pushed = 0;
    while (push(Buffer.alloc(1_000), 'x')) pushed++;
    expect(pushed).toBe(9);
    expect(outbox.bytes).toBeLessThanOrEqual(10_000);
    expect(push([1, 'no'], undefined, FrameKind.error)).toBe(true);
    for (let i = 0; i < 2_000; i++) push([i, 'x'.repeat(100)], undefined, FrameKind.error);
    expect(outbox.bytes).toBeLessThan(90_000);
    while (outbox.bytes > 0) take();
    expect(bodies.length).toBeGreaterThan(pushed);
    expect(push(Buffer.alloc(1_000), 'x')).toBe(true);
  });

  it('is not disturbed by what it refuses', () => {
    const { push, take, bodies } = setUp({ sendQueueBytes: 5_000, messageBytes: 5_000 });
    push('first', 'x');
    expect(push(Buffer.alloc(4_990), 'x')).toBe(false);
    expect(() => push(() => {}, 'x')).toThrow('data is a function');
    push('second', 'x');
    take();
    expect(bodies).toEqual([
      ['x', 'first'],
      ['x', 'second'],
    ]);
  });

  it('shares one frame with others, and keeps it although they go on', () => {
    const writer = new FrameWriter();
    const boxes = [setUp(), setUp()];
    for (let i = 0; i < 3_000; i++) {
      writer.write(FrameKind.event, ['x', i], 1e6, NAMES);
      const { slab, start, end } = writer;
      for (const { outbox } of boxes) outbox.pushShared(slab, start, end, 'x');
      writer.takeBack();
      if (i % 100 === 0) boxes[0]!.take();
    }
    for (const { outbox, take, bodies } of boxes) {
      while (outbox.bytes > 0) take();
      expect(bodies.map((body) => (body as [string, number])[1])).toEqual(
        Array.from({ length: 3_000 }, (_, i) => i),
      );
    }
  });

  describe('tells that messages have left', () => {
    it('with the write that takes them', async () => {
      const { outbox, push, take } = setUp();
      push('a', 'x');
      const first = outbox.ticket(FrameKind.event, 'x');
      push('b', 'x');
      expect(outbox.ticket(FrameKind.event, 'x')).toBe(first);
      const { tickets } = take();
      push('c', 'x');
      const second = outbox.ticket(FrameKind.event, 'x');
      expect(second).not.toBe(first);
      expect(tickets.map(({ promise }) => promise)).toEqual([first]);
      expect(await state(first)).toBe('waits');
      for (const ticket of tickets) ticket.settle();
      expect(await state(first)).toBe('handed');
      expect(await state(second)).toBe('waits');
    });

    it('that are written before the turn ends, too', () => {
      const writes: Promise<void>[][] = [];
      const { outbox, push, take, bodies } = setUp({}, () =>
        writes.push(take().tickets.map(({ promise }) => promise)),
      );
      const waits = Array.from({ length: 300 }, (_, i) => {
        push(i, 'x');
        return outbox.ticket(FrameKind.event, 'x');
      });
      writes.push(take().tickets.map(({ promise }) => promise));
      expect(writes.length).toBe(3);
      expect(new Set(writes.flat())).toEqual(new Set(waits));
      expect(bodies.map((body) => (body as unknown[])[1])).toEqual(waits.map((_, i) => i));
    });

    it('each for itself when they are long', async () => {
      const { outbox, push, take } = setUp();
      const promises = [1, 2].map(() => {
        push(Buffer.alloc(200_000), 'x');
        return outbox.ticket(FrameKind.event, 'x');
      });
      const handed: Promise<void>[] = [];
      while (outbox.bytes > 0) handed.push(...take().tickets.map(({ promise }) => promise));
      expect(handed).toEqual(promises);
    });

    it('and that they never will', async () => {
      const { outbox, push } = setUp();
      push('a', 'x');
      const promises = [outbox.ticket(FrameKind.event, 'x')];
      push(Buffer.alloc(200_000), 'y');
      promises.push(outbox.ticket(FrameKind.event, 'y'));
      outbox.close(new PeerageError('PEER_GONE', 'gone'));
      for (const promise of promises) expect(await state(promise)).toBe('PEER_GONE');
      expect(outbox.bytes).toBe(0);
    });

    it('and that nobody knows, when others of the same write have left', async () => {
      const { outbox, push, take, bodies } = setUp();
      push(Buffer.alloc(40_000), 'x');
      const tickets = [1, 2, 3].map((i) => {
        push(Buffer.alloc(20_000, i), 'x');
        return outbox.ticket(FrameKind.event, 'x');
      });
      expect(new Set(tickets).size).toBe(1);
      take();
      expect(bodies.length).toBeGreaterThan(1);
      expect(bodies.length).toBeLessThan(4);
      push('after', 'x');
      const after = outbox.ticket(FrameKind.event, 'x');
      outbox.close(new PeerageError('PEER_GONE', 'gone'));
      expect(await state(tickets[0]!)).toBe('CONNECTION_LOST');
      expect(await state(after)).toBe('PEER_GONE');
    });
  });
});
