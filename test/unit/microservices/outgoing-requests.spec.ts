import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutgoingRequests } from '../../../lib/microservices/outgoing-requests.js';
import { Exchange } from '../../../lib/microservices/local-or-remote.js';
import { FAILURE, ROLL_CALL_MS, TOPICS } from '../../../lib/microservices/wire.js';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import type { Peer } from '../../../lib/membership/events.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';

let cluster: FakeCluster;
let calls: OutgoingRequests;
let server: Peer;

beforeEach(() => {
  vi.useFakeTimers();
  cluster = new FakeCluster('a@h');
  calls = new OutgoingRequests(new Exchange(cluster.service));
  calls.open();
  server = cluster.join('b@h');
});
afterEach(() => {
  calls.close();
  vi.useRealTimers();
});

function ask(): { readonly id: number; readonly packets: unknown[]; readonly errors: unknown[] } {
  const packets: unknown[] = [];
  const errors: unknown[] = [];
  const id = calls.ask(server, 'please', {
    receive: (packet) => packets.push(packet),
    fail: (error) => errors.push((error as PeerageError).code),
  });
  return { id, packets, errors };
}

const respond = (id: unknown, sequence: unknown, packet: unknown, from = server) =>
  cluster.receive(from, TOPICS.response, [id, sequence, packet]);

describe('a request', () => {
  it('gets the packets of its response, and no other', () => {
    const [one, two] = [ask(), ask()];
    respond(one.id, 1, 'one');
    respond(two.id, 1, 'two');
    respond(one.id, 2, 'more');
    expect([one.packets, two.packets]).toEqual([['one', 'more'], ['two']]);
    expect(cluster.sentOn(TOPICS.request)).toEqual([
      [one.id, 'please'],
      [two.id, 'please'],
    ]);
  });

  it('gets nothing from another node, and nothing after its end', () => {
    const { id, packets } = ask();
    respond(id, 1, 'a lie', cluster.join('c@h'));
    calls.end(id);
    respond(id, 1, 'late');
    expect(packets).toEqual([]);
  });

  it('fails when a part of the response is missing, and tells the server', () => {
    const { id, packets, errors } = ask();
    respond(id, 1, 'one');
    respond(id, 3, 'three');
    expect([packets, errors]).toEqual([['one'], ['CONNECTION_LOST']]);
    expect(cluster.sentOn(TOPICS.cancel)).toEqual([id]);
  });

  it('takes a failure in place of any packet', () => {
    const { id, packets, errors } = ask();
    respond(id, FAILURE, 'no');
    expect([packets, errors]).toEqual([['no'], []]);
  });

  it('fails when it cannot be sent', async () => {
    vi.spyOn(cluster, 'send').mockRejectedValue(new PeerageError('OVERLOADED', 'full'));
    const { errors } = ask();
    await vi.advanceTimersByTimeAsync(0);
    expect(errors).toEqual(['OVERLOADED']);
  });

  it('fails when the node is gone, and only then', () => {
    const { errors } = ask();
    calls.gone(cluster.join('c@h'));
    expect(errors).toEqual([]);
    calls.gone(server);
    expect(errors).toEqual(['PEER_GONE']);
  });

  it('is cancelled once', () => {
    const { id } = ask();
    calls.cancel(id);
    calls.cancel(id);
    expect(cluster.sentOn(TOPICS.cancel)).toEqual([id]);
  });

  it('takes no harm from what is no response', () => {
    const { id, packets, errors } = ask();
    fc.assert(
      fc.property(fc.anything(), fc.array(fc.anything()), (one, many) => {
        fc.pre([one, many].every((body) => !Array.isArray(body) || body[0] !== id));
        cluster.receive(server, TOPICS.response, one);
        cluster.receive(server, TOPICS.response, many);
        respond(String(id), 1, one);
        respond(id, '1', one);
      }),
    );
    expect([packets, errors]).toEqual([[], []]);
  });
});

describe('the roll call', () => {
  const rolls = () => cluster.sentOn(TOPICS.roll);
  /** The server sends back the last mark. */
  const comeTo = () =>
    cluster.receive(server, TOPICS.response, cluster.sentOn(TOPICS.request).findLast(Number.isInteger));
  const answerWith = (answer: () => Promise<unknown>) => cluster.answers.set(TOPICS.roll, answer);

  it('leaves quick requests alone', async () => {
    const { id } = ask();
    await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
    calls.end(id);
    await vi.advanceTimersByTimeAsync(10 * ROLL_CALL_MS);
    expect(rolls()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('lets a request live that the server is at work on, however long', async () => {
    const { id, errors } = ask();
    answerWith(async () => [id]);
    await vi.advanceTimersByTimeAsync(20 * ROLL_CALL_MS);
    expect(rolls()).toHaveLength(19);
    expect(rolls()[0]).toEqual([id]);
    expect(errors).toEqual([]);
  });

  it('ends a request that got lost, or whose response did', async () => {
    const [kept, lost] = [ask(), ask()];
    answerWith(async () => [kept.id]);
    await vi.advanceTimersByTimeAsync(2 * ROLL_CALL_MS);
    comeTo();
    comeTo();
    expect(lost.errors).toEqual([]); // It may have been waiting when it was asked after.
    await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
    comeTo();
    expect([kept.errors, lost.errors]).toEqual([[], ['CONNECTION_LOST']]);
  });

  it('ends none that may be waiting', async () => {
    const { errors } = ask();
    answerWith(async () => []);
    await vi.advanceTimersByTimeAsync(20 * ROLL_CALL_MS);
    expect(errors).toEqual([]);
  });

  it('ends none by a mark that was sent before the server did not know it, or of another node', async () => {
    const { id, errors } = ask();
    let known: number[] = [];
    answerWith(async () => known);
    await vi.advanceTimersByTimeAsync(2 * ROLL_CALL_MS);
    const marks = cluster.sentOn(TOPICS.request).filter(Number.isInteger);
    known = [id];
    await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
    known = [];
    await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
    const other = cluster.join('c@h');
    for (let i = 0; i < 3; i++) {
      for (const mark of marks) cluster.receive(server, TOPICS.response, mark);
      cluster.receive(other, TOPICS.response, 1_000);
      await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
    }
    expect(errors).toEqual([]);
  });

  it('ends none by an answer that was given before the server had come to it', async () => {
    const { errors } = ask();
    answerWith(async () => []);
    await vi.advanceTimersByTimeAsync(2 * ROLL_CALL_MS);
    let answer: (known: unknown) => void = () => {};
    answerWith(() => new Promise((resolve) => (answer = resolve)));
    await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
    answer([]);
    comeTo();
    await vi.advanceTimersByTimeAsync(0);
    comeTo();
    expect(errors).toEqual([]);
  });

  it('ends none of whose response something came meanwhile', async () => {
    const { id, errors } = ask();
    answerWith(async () => []);
    await vi.advanceTimersByTimeAsync(2 * ROLL_CALL_MS);
    comeTo();
    await vi.advanceTimersByTimeAsync(ROLL_CALL_MS);
    respond(id, 1, 'the last packet');
    comeTo();
    expect(errors).toEqual([]);
  });

  it('ends requests to a node without a server, and no others for want of an answer', async () => {
    const { errors } = ask();
    answerWith(() => Promise.reject(new PeerageError('REQUEST_TIMEOUT', 'slow')));
    await vi.advanceTimersByTimeAsync(10 * ROLL_CALL_MS);
    expect(errors).toEqual([]);
    cluster.answers.delete(TOPICS.roll);
    await vi.advanceTimersByTimeAsync(2 * ROLL_CALL_MS);
    expect(errors).toEqual(['CONNECTION_LOST']);
  });
});
