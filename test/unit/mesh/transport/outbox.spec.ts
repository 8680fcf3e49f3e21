import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../../lib/errors/peerage-error.js';
import { FrameKind } from '../../../../lib/wire/messages.js';
import { FrameReader } from '../../../../lib/wire/frame-reader.js';
import { FrameWriter } from '../../../../lib/wire/frame-writer.js';
import { Outbox } from '../../../../lib/mesh/transport/outbox.js';
import type { Ticket } from '../../../../lib/mesh/transport/write-receipts.js';

const LIMITS = { messageBytes: 4e6, frameBytes: 4e6, sendQueueBytes: 16e6 };
const NAMES = ['topic', 'data'];

interface Message {
  readonly lane: string;
  readonly i: number;
  readonly size: number;
}

function setUp(
  limits: Partial<typeof LIMITS> = {},
  writer = new FrameWriter(),
  write: () => void = () => {},
) {
  const outbox = new Outbox(writer, { ...LIMITS, ...limits });
  const bodies: unknown[] = [];
  const failures: PeerageError[] = [];
  const reader = new FrameReader(LIMITS.frameBytes, {
    frame: (_kind, body) => void bodies.push(body),
    failed: (error) => void failures.push(error),
  });
  let wakes = 0;
  const release = (): void => outbox.release(() => void wakes++, write);
  /** One write: what was taken, read at the other end. */
  const take = (): { bytes: number; tickets: Ticket[] } => {
    const buffers: Buffer[] = [];
    const tickets: Ticket[] = [];
    outbox.take(buffers, tickets, 0);
    for (const buffer of buffers) reader.push(Buffer.from(buffer));
    expect(failures).toEqual([]);
    return { bytes: buffers.reduce((sum, buffer) => sum + buffer.length, 0), tickets };
  };
  const push = (body: unknown, lane?: string, kind: number = FrameKind.event): boolean =>
    outbox.push(kind, [lane, body], NAMES, lane);
  release();
  return { outbox, bodies, take, push, release, wakes: () => wakes, reader };
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

  it('starts a long message anew when it goes another way', () => {
    const { outbox, push, take, release } = setUp();
    push(Buffer.alloc(1e6, 7), 'long');
    for (let i = 0; i < 5; i++) take();
    const { bytes } = outbox;
    outbox.detach();
    expect(outbox.bytes).toBeGreaterThan(bytes);
    release();
    const other = setUp();
    while (outbox.bytes > 0) {
      const buffers: Buffer[] = [];
      outbox.take(buffers, [], 0);
      for (const buffer of buffers) other.reader.push(buffer);
    }
    expect((other.bodies[0] as [string, Buffer])[1].equals(Buffer.alloc(1e6, 7))).toBe(true);
  });

  it('has an end of its room, with a little left for errors', () => {
    const { outbox, push, take, bodies } = setUp({ sendQueueBytes: 10_000, messageBytes: 10_000 });
    let pushed = 0;
    while (push(Buffer.alloc(1_000), 'x')) pushed++;
    expect(pushed).toBe(9);
    expect(outbox.bytes).toBeLessThanOrEqual(10_000);
    expect(push([1, 'no'], undefined, FrameKind.error)).toBe(true);
    for (let i = 0; i < 2_000; i++) push([i, 'x'.repeat(100)], undefined, FrameKind.error);
    expect(outbox.bytes).toBeLessThan(80_000);
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
    const boxes = [setUp({}, writer), setUp({}, writer)];
    for (let i = 0; i < 3_000; i++) {
      writer.write(FrameKind.event, ['x', i], 1e6, NAMES);
      const { slab, start, end } = writer;
      for (const { outbox } of boxes) outbox.pushShared(slab, start, end, 'x');
      if (i % 100 === 0) boxes[0]!.take();
    }
    for (const { outbox, take, bodies } of boxes) {
      while (outbox.bytes > 0) take();
      expect(bodies.map((body) => (body as [string, number])[1])).toEqual(
        Array.from({ length: 3_000 }, (_, i) => i),
      );
    }
  });

  it('does not hold on to memory that others fill', () => {
    const writer = new FrameWriter();
    const slow = setUp({}, writer);
    const quick = setUp({}, writer);
    const slabs = new Set<ArrayBufferLike>();
    for (let i = 0; i < 200; i++) {
      slow.push(i, 'x');
      quick.push(Buffer.alloc(60_000), 'y');
      while (quick.outbox.bytes > 0) quick.take();
    }
    const buffers: Buffer[] = [];
    while (slow.outbox.bytes > 0) slow.outbox.take(buffers, [], 0);
    for (const { buffer } of buffers) slabs.add(buffer);
    const held = [...slabs].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(held).toBeLessThan(1e6);
  });

  describe('tells that messages have left', () => {
    it('with the write that takes them', async () => {
      const { outbox, push, take } = setUp();
      push('a', 'x');
      const first = outbox.ticket();
      push('b', 'x');
      expect(outbox.ticket()).toBe(first);
      const { tickets } = take();
      push('c', 'x');
      const second = outbox.ticket();
      expect(second).not.toBe(first);
      expect(tickets.map(({ promise }) => promise)).toEqual([first]);
      expect(await state(first)).toBe('waits');
      for (const ticket of tickets) ticket.settle();
      expect(await state(first)).toBe('handed');
      expect(await state(second)).toBe('waits');
    });

    it('that are written before the turn ends, too', () => {
      const writes: Promise<void>[][] = [];
      const { outbox, push, take, bodies } = setUp({}, new FrameWriter(), () =>
        writes.push(take().tickets.map(({ promise }) => promise)),
      );
      const waits = Array.from({ length: 300 }, (_, i) => {
        push(i, 'x');
        return outbox.ticket();
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
        return outbox.ticket();
      });
      const handed: Promise<void>[] = [];
      while (outbox.bytes > 0) handed.push(...take().tickets.map(({ promise }) => promise));
      expect(handed).toEqual(promises);
    });

    it('and that they never will', async () => {
      const { outbox, push } = setUp();
      push('a', 'x');
      const promises = [outbox.ticket()];
      push(Buffer.alloc(200_000), 'y');
      promises.push(outbox.ticket());
      outbox.close(new PeerageError('PEER_GONE', 'gone'));
      for (const promise of promises) expect(await state(promise)).toBe('PEER_GONE');
      expect(outbox.bytes).toBe(0);
    });
  });
});
