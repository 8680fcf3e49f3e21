import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NodeState } from '../../../lib/cluster/node-state.js';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import type { Peer } from '../../../lib/membership/events.js';
import { PeerageClient } from '../../../lib/microservices/index.js';
import { TOPICS } from '../../../lib/microservices/wire.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';
import { turns } from '../../support/recorder.js';

let cluster: FakeCluster;
let client: PeerageClient;
let server: Peer;

beforeEach(() => {
  cluster = new FakeCluster('a@h');
  cluster.patterns = ['p'];
  server = cluster.join('b@h');
  client = new PeerageClient({ cluster: cluster.service });
});
afterEach(() => client.close());

const requests = () => cluster.sentOn(TOPICS.request);
const events = () => cluster.sent.filter(({ topic }) => topic === TOPICS.event).map(({ to }) => to);

describe('a request', () => {
  it('says nothing more to the server once it is answered', async () => {
    const answer = lastValueFrom(client.send('p', 'data').pipe(toArray()));
    await turns(50);
    expect(requests()).toEqual([[1, { pattern: 'p', data: 'data' }]]);
    cluster.receiveFrame(server, 'next', 1, 1, { response: 'one' });
    cluster.receiveFrame(server, 'reply', 1, { response: 'two', isDisposed: true }, 2);
    expect(await answer).toEqual(['one', 'two']);
    expect(cluster.sentOn('cancel')).toEqual([]);
  });

  it('is not sent when nobody wants it any more before its node is chosen', async () => {
    await client.connect();
    const late = cluster.join('c@h', 'later');
    const subscription = client.to({ key: 1 }).send('p', {}).subscribe();
    await turns(50);
    subscription.unsubscribe();
    cluster.serves(late, []);
    await turns(50);
    expect(requests()).toEqual([]);
  });

  it('has no part in the failure of another', async () => {
    const failure = vi.fn();
    client.send('p', {}).subscribe({ error: failure });
    const second = lastValueFrom(client.send('p', {}));
    await turns(50);
    cluster.receiveFrame(server, 'reply', 1, { err: { message: 'no' }, isDisposed: true });
    cluster.receiveFrame(server, 'reply', 2, { response: 'yes', isDisposed: true });
    expect(await second).toBe('yes');
    expect(failure).toHaveBeenCalledWith({ message: 'no' });
  });
});

it('a request before this node has started says so', async () => {
  Object.assign(cluster, { state: new NodeState(), peers: [] });
  cluster.leave(server);
  await expect(lastValueFrom(client.send('p', {}))).rejects.toMatchObject({ code: 'NOT_RUNNING' });
});

describe('while a node has not told its patterns', () => {
  it('events wait for it, in their order', async () => {
    await client.connect();
    const late = cluster.join('c@h', 'later');
    client.emit('p', 1);
    await turns(50);
    expect(events()).toEqual([]);
    cluster.serves(late, ['p']);
    client.emit('p', 2);
    await turns(50);
    expect(cluster.sentOn(TOPICS.event)).toMatchObject([1, 1, 2, 2].map((data) => ({ data })));
    expect(events()).toEqual(['b@h', 'c@h', 'b@h', 'c@h']);
  });

  it('requests to any don’t, when there is another', async () => {
    await client.connect();
    const late = cluster.join('c@h', 'later');
    client.send('p', {}).subscribe({ error: () => {} });
    client.send('q', {}).subscribe({ error: () => {} });
    await turns(50);
    expect(requests()).toHaveLength(1);
    cluster.serves(late, ['q']);
    await turns(50);
    expect(requests()).toHaveLength(2);
  });
});

it('an object as pattern travels as its route', async () => {
  cluster.serves(server, ['{"at":1,"cmd":"p"}']);
  client.send({ cmd: 'p', at: 1 }, 'data').subscribe({ error: () => {} });
  await lastValueFrom(client.emit({ cmd: 'p', at: 1 }, 'data'), { defaultValue: undefined });
  const packet = { pattern: '{"at":1,"cmd":"p"}', data: 'data' };
  expect(requests()).toEqual([[1, packet]]);
  expect(cluster.sentOn(TOPICS.event)).toEqual([packet]);
});

describe('an event', () => {
  it('fails when a node cannot take it, but not when one has just gone', async () => {
    cluster.join('c@h');
    const send = vi.spyOn(cluster, 'send');
    send.mockRejectedValueOnce(new PeerageError('PEER_GONE', 'gone'));
    await expect(lastValueFrom(client.emit('p', 1))).resolves.toBeUndefined();
    send.mockRejectedValueOnce(new PeerageError('OVERLOADED', 'full'));
    await expect(lastValueFrom(client.emit('p', 2))).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(events()).toEqual(['c@h', 'c@h']);
  });
});
