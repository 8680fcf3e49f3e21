import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IncomingRequests } from '../../../lib/messaging/incoming-requests.js';
import { KEEP_ALIVE_MS } from '../../../lib/messaging/outgoing-requests.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import { VirtualClock } from '../../support/virtual-clock.js';

let clock: VirtualClock;
let requests: IncomingRequests;
let posted: { readonly to: string; readonly kind: number; readonly body: readonly unknown[] }[];
/** What waits for its turn here; undefined: an older connection is still read. */
let waiting: readonly number[] | undefined;

beforeEach(() => {
  clock = new VirtualClock();
  posted = [];
  waiting = [];
  const post = (to: string, kind: number, body: readonly unknown[]): 'queued' => {
    posted.push({ to, kind, body });
    return 'queued';
  };
  const hand = async (to: string, kind: number, body: readonly unknown[]): Promise<void> =>
    void post(to, kind, body);
  const self = { name: 'me@h', bootId: 'me', host: 'h', port: 1, meta: {} };
  requests = new IncomingRequests(
    { self, post, hand, waitingRequests: () => waiting, waitingBytes: () => 0 },
    clock,
  );
});
afterEach(() => {
  requests.stop();
  expect(clock.pending).toBe(0);
});

const open = (from = 'a', id = 1) => requests.open(from, id, true);

describe('the work on a request', () => {
  it('ends when its node wants the answer no more, of that node only', () => {
    const [ofA, ofB] = [open('a'), open('b')];
    requests.cancel('a', 2);
    expect([ofA.isOver, ofB.isOver]).toEqual([false, false]);
    requests.cancel('a', 1);
    expect([ofA.isOver, ofB.isOver]).toEqual([true, false]);
  });

  it('calls back once when it is over, at once when it was', () => {
    const request = open();
    let calls = 0;
    request.onOver(() => (calls += 1));
    requests.close(request);
    requests.close(request);
    request.onOver(() => (calls += 1));
    expect(calls).toBe(2);
  });

  it('does not begin when the cancel overtook the request, which had to wait', () => {
    requests.cancel('a', 7);
    expect(
      [
        ['b', 7],
        ['a', 7],
        ['a', 7],
      ].map(([from, id]) => requests.wasCancelled(from as string, id as number)),
    ).toEqual([false, true, false]);
    requests.cancel('a', 8);
    requests.endOf('a');
    expect(requests.wasCancelled('a', 8)).toBe(false);
  });

  it('does not begin for any of those that were cancelled while they waited, however many and however long', async () => {
    waiting = [0];
    for (let id = 1; id <= 100_000; id++) requests.cancel('a', id);
    await clock.advanceAsync(20 * KEEP_ALIVE_MS);
    for (let id = 1; id <= 100_000; id += 999) expect(requests.wasCancelled('a', id)).toBe(true);
  });

  it('remembers no cancel for long of what cannot come any more, since nothing waits', async () => {
    requests.cancel('a', 1);
    await clock.advanceAsync(KEEP_ALIVE_MS);
    requests.cancel('a', 2);
    await clock.advanceAsync(KEEP_ALIVE_MS);
    expect([requests.wasCancelled('a', 1), requests.wasCancelled('a', 2)]).toEqual([false, true]);
    await clock.advanceAsync(2 * KEEP_ALIVE_MS);
    expect(clock.pending).toBe(0);
  });

  it('remembers a bounded number of cancels', () => {
    waiting = [0];
    for (let id = 1; id <= 600_000; id++) requests.cancel('a', id);
    expect([requests.wasCancelled('a', 1), requests.wasCancelled('a', 600_000)]).toEqual([false, true]);
  });

  it('ends with its node', () => {
    const [ofA, ofB] = [open('a'), open('b')];
    requests.endOf('a');
    expect([ofA.isOver, ofB.isOver]).toEqual([true, false]);
  });

  it('ends when its node does not say any more that it waits; that of a request with a time limit does not', async () => {
    const [wanted, unwanted, limited] = [open('a', 1), open('a', 2), requests.open('a', 3, false)];
    for (let i = 0; i < 10; i++) {
      await clock.advanceAsync(KEEP_ALIVE_MS);
      requests.keepAlive('a', [1]);
      if (i < 3) expect(unwanted.isOver).toBe(false);
    }
    expect([wanted.isOver, unwanted.isOver, limited.isOver]).toEqual([false, true, false]);
  });

  it('that this node asked of itself goes on for as long as it likes', async () => {
    const own = open('me');
    await clock.advanceAsync(100 * KEEP_ALIVE_MS);
    expect(own.isOver).toBe(false);
  });
});

describe('a node that says for which requests it waits', () => {
  const unknown = () =>
    posted.filter(({ kind }) => kind === FrameKind.unknown).map(({ to, body }) => [to, body]);

  it('is told of those that never came, and of no others', () => {
    open('a', 1);
    open('b', 4);
    waiting = [2];
    requests.keepAlive('a', [1, 2, 3, 4]);
    requests.keepAlive('a', [1, 2]);
    expect(unknown()).toEqual([['a', [3, 4]]]);
  });

  it('is told of none while an older connection may bring more', () => {
    waiting = undefined;
    requests.keepAlive('a', [1]);
    expect(unknown()).toEqual([]);
  });

  it('keeps the work alive also then', async () => {
    waiting = undefined;
    const request = open('a', 1);
    for (let i = 0; i < 10; i++) {
      await clock.advanceAsync(KEEP_ALIVE_MS);
      requests.keepAlive('a', [1]);
    }
    expect(request.isOver).toBe(false);
  });

  it('is told of an answered one only when the answer is with the network', async () => {
    const request = open('a', 1);
    const sent = request.end('yes');
    requests.keepAlive('a', [1]);
    expect(unknown()).toEqual([]);
    await sent;
    requests.keepAlive('a', [1]);
    expect(posted.map(({ kind }) => kind)).toEqual([FrameKind.reply, FrameKind.unknown]);
  });
});

it('nothing keeps a timer when no request without a time limit is at work', async () => {
  open();
  requests.cancel('a', 1);
  await clock.advanceAsync(KEEP_ALIVE_MS);
  expect(clock.pending).toBe(0);
});
