import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../lib/time/clock.js';
import { Loopback } from '../../../lib/mesh/loopback.js';
import { FrameKind } from '../../../lib/wire/frames.js';

const limits = { messageBytes: 1_000, handlers: 2, receiveQueueBytes: 4_000 };

let loopback: Loopback;
let taken: unknown[];
let handle: () => unknown;

beforeEach(() => {
  taken = [];
  handle = () => undefined;
  loopback = new Loopback('me', limits, systemClock, setImmediate);
  loopback.taker = (from, kind, body) => {
    taken.push([from, kind, body]);
    return handle();
  };
});

const event = (data: unknown) => loopback.post(FrameKind.event, ['t', data]);

describe('what a node says to itself', () => {
  it('is handled later, in order, as it was when it was said', async () => {
    const data = { at: new URL('http://a/b'), list: [1, , 2] }; // eslint-disable-line no-sparse-arrays
    expect([event(data), event('two')]).toEqual(['queued', 'queued']);
    data.list = [];
    expect(taken).toEqual([]);
    await turn();
    expect(taken).toEqual([
      ['me', FrameKind.event, ['t', { at: 'http://a/b', list: [1, undefined, 2] }]],
      ['me', FrameKind.event, ['t', 'two']],
    ]);
  });

  it('waits when as many handlers as may be are at work, and the requests among it are known', async () => {
    handle = () => new Promise(() => {});
    for (const id of [1, 2, 3]) loopback.post(FrameKind.request, [id, 't', 'data']);
    event('one-way');
    await turn();
    expect(taken).toHaveLength(2);
    expect(loopback.waitingRequests()).toEqual([3]);
  });

  it('is refused like anything else, by its path', () => {
    expect(() => event({ cb() {} })).toThrow('data.cb is a function');
    expect(() => event('x'.repeat(2_000))).toThrow('more than 1000 bytes');
    expect(() => loopback.copy(FrameKind.event, ['t', 'x'.repeat(200)], 100)).toThrow('more than 100 bytes');
    expect(loopback.copy(FrameKind.event, ['t', new Date(1)])).toEqual(['t', new Date(1)]);
  });

  it('is handled outside of what its sender is in', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    handle = () => seen.push(storage.getStore());
    storage.run('mine', () => event(1));
    await storage.run('other', turn);
    expect(seen).toEqual([undefined]);
  });

  it('is bounded: so many are handled at once, and so much waits', async () => {
    const ends: (() => void)[] = [];
    handle = () => new Promise<void>((resolve) => ends.push(resolve));
    const results = Array.from({ length: 10 }, () => event('x'.repeat(900)));
    expect(results.slice(0, 4)).toEqual(['queued', 'queued', 'queued', 'queued']);
    expect(results.slice(5)).toEqual(Array.from({ length: 5 }, () => 'full'));
    await turn();
    expect(taken).toHaveLength(2);
    // Answers pass by, and take no room.
    expect(loopback.post(FrameKind.reply, [1, 'x'.repeat(900)])).toBe('queued');
    await turn();
    expect(taken).toHaveLength(3);
    handle = () => undefined;
    for (const end of ends) end();
    await turn();
    expect(taken.length).toBeGreaterThanOrEqual(5);
    expect(event('again')).toBe('queued');
  });
});
