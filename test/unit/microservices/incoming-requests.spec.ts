import { Subscription } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../lib/time/clock.js';
import { IncomingRequests } from '../../../lib/microservices/incoming-requests.js';
import { Work } from '../../../lib/messaging/work.js';
import { ROLL_CALL_MS } from '../../../lib/microservices/wire.js';
import { peerNamed } from '../../support/apps/fake-cluster.js';

const [a, b] = [peerNamed('a@h'), peerNamed('b@h')];
let calls: IncomingRequests;
let underWay: Work;

beforeEach(() => {
  vi.useFakeTimers();
  underWay = new Work(systemClock);
  calls = new IncomingRequests(systemClock, underWay);
});
afterEach(() => {
  calls.close();
  expect(underWay.size).toBe(0);
  vi.useRealTimers();
});

function open(client = a, id = 1): Subscription {
  const running = new Subscription();
  calls.open(client, id).source = running;
  return running;
}

describe('the work on a request', () => {
  it('ends when the request does, of the same client only', () => {
    const [ofA, ofB] = [open(a), open(b)];
    calls.cancel(a, 2);
    expect([ofA.closed, ofB.closed]).toEqual([false, false]);
    calls.cancel(a, 1);
    expect([ofA.closed, ofB.closed]).toEqual([true, false]);
  });

  it('ends at once when the request ended before it began', () => {
    const call = calls.open(a, 1);
    calls.end(call);
    const work = new Subscription();
    call.source = work;
    expect(work.closed).toBe(true);
    expect(call.isOver).toBe(true);
  });

  it('does not begin when the cancel overtook the request, which had to wait', () => {
    calls.cancel(a, 7);
    expect([calls.wasCancelled(b, 7), calls.wasCancelled(a, 7), calls.wasCancelled(a, 7)]).toEqual([
      false,
      true,
      false,
    ]);
    for (let id = 1; id <= 10_000; id++) calls.cancel(a, id);
    expect([calls.wasCancelled(a, 1), calls.wasCancelled(a, 10_000)]).toEqual([false, true]);
    calls.endOf(a);
    expect(calls.wasCancelled(a, 9_999)).toBe(false);
  });

  it('ends with its client', () => {
    const [ofA, ofB] = [open(a), open(b)];
    calls.endOf(a);
    expect([ofA.closed, ofB.closed]).toEqual([true, false]);
  });

  it('ends when its client does not ask after it any more', async () => {
    const [wanted, unwanted] = [open(a, 1), open(a, 2)];
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
      expect(calls.roll(a, [1, 3])).toEqual([1]);
      // A client begins to ask when a request is between one and two roll calls old.
      if (i < 3) expect(unwanted.closed).toBe(false);
    }
    expect([wanted.closed, unwanted.closed]).toEqual([false, true]);
  });

  it('ends when all ends, which leaves no timer', () => {
    const work = open();
    expect(calls.close()).toMatchObject([{ client: a, id: 1 }]);
    expect(work.closed).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('keeps no timer for long when nothing is at work', async () => {
  open();
  calls.cancel(a, 1);
  await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
  expect(vi.getTimerCount()).toBe(0);
});
