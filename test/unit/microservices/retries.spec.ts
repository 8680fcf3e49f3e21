import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import type { PeerageErrorCode } from '../../../lib/index.js';
import type { Peer } from '../../../lib/membership/events.js';
import { PeerageClient, PeerageServer } from '../../../lib/microservices/index.js';
import type { PeerageClientOptions, Route } from '../../../lib/microservices/index.js';
import { ownFailure } from '../../../lib/messaging/failure.js';
import { TOPICS } from '../../../lib/microservices/wire.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';
import { turns } from '../../support/recorder.js';

let cluster: FakeCluster;
let client: PeerageClient;
let servers: Peer[];

const begin = (options: Omit<PeerageClientOptions, 'cluster'> = {}): void => {
  cluster = new FakeCluster('a@h');
  cluster.patterns = ['p', 'safe', '{"cmd":"safe"}'];
  servers = ['b@h', 'c@h', 'd@h'].map((name) => cluster.join(name));
  client = new PeerageClient({ cluster: cluster.service, idempotent: ['safe', { cmd: 'safe' }], ...options });
};
beforeEach(() => begin());
afterEach(() => client.close());

/** To whom requests went, in order. */
const asked = (): string[] =>
  cluster.sent.filter(({ topic }) => topic === TOPICS.request).map(({ to }) => to);
const lastAsked = (): Peer => servers.find(({ name }) => name === asked().at(-1))!;
const lastId = (): number => (cluster.sentOn(TOPICS.request).at(-1) as [number])[0];

/** Sends a request; how it ended, once it has. */
async function send(pattern: string | object = 'p', route: Route = 'any'): Promise<unknown[]> {
  const ends: unknown[] = [];
  lastValueFrom(client.to(route).send(pattern, 'data').pipe(toArray())).then(
    (parts) => ends.push(parts),
    (error: { code?: unknown }) => ends.push(error.code),
  );
  await turns(60);
  return ends;
}

const error = (code: PeerageErrorCode): PeerageError => new PeerageError(code, 'as it happens');

async function refuse(): Promise<void> {
  cluster.receiveFrame(lastAsked(), 'error', lastId(), ownFailure(error('NO_HANDLER'), true));
  await turns(60);
}

/** The failure of a handler that has begun. */
async function fail(code: PeerageErrorCode): Promise<void> {
  cluster.receiveFrame(lastAsked(), 'error', lastId(), ownFailure(error(code)));
  await turns(60);
}

async function answer(): Promise<void> {
  cluster.receiveFrame(lastAsked(), 'reply', lastId(), { response: 'yes', isDisposed: true });
  await turns(60);
}

async function die(): Promise<void> {
  cluster.leave(lastAsked());
  await turns(60);
}

describe('what no handler has had', () => {
  it('goes to one node after the other, each once, until one takes it', async () => {
    const ends = await send();
    await refuse();
    await refuse();
    expect(new Set(asked()).size).toBe(3);
    await answer();
    expect(ends).toEqual([['yes']]);
  });

  it('fails as it failed, when all have refused it or `retries` are over', async () => {
    const ends = await send();
    for (let i = 0; i < 3; i++) await refuse();
    expect(ends).toEqual(['NO_HANDLER']);
    begin({ retries: 0 });
    const others = await send();
    await refuse();
    expect([others, asked().length]).toEqual([['NO_HANDLER'], 1]);
  });

  it.each(['PEER_GONE', 'NO_SUCH_PEER', 'OVERLOADED'] as const)('when sending fails: %s', async (code) => {
    await client.connect();
    const original = cluster.send.bind(cluster);
    vi.spyOn(cluster, 'send').mockImplementationOnce(async (to, topic, data) => {
      await original(to, topic, data);
      throw error(code);
    });
    const ends = await send();
    expect(new Set(asked()).size).toBe(2);
    await answer();
    expect(ends).toEqual([['yes']]);
  });

  it('does not leave the owner of a key because its queue is full, but when it serves no more', async () => {
    await client.connect();
    vi.spyOn(cluster, 'send').mockRejectedValueOnce(error('OVERLOADED'));
    expect(await send('p', { key: 1 })).toEqual(['OVERLOADED']);
    const ends = await send('p', { key: 1 });
    await refuse();
    await answer();
    expect([ends, new Set(asked()).size]).toEqual([[['yes']], 2]);
  });

  it('goes nowhere else when one node was named', async () => {
    const ends = await send('p', { node: 'b@h' });
    await refuse();
    expect([ends, asked()]).toEqual([['NO_HANDLER'], ['b@h']]);
  });
});

describe('what a handler may have had', () => {
  it.each(['p', 'safe', { cmd: 'safe' }])(
    'goes elsewhere only when %j may be handled twice',
    async (pattern) => {
      const ends = await send(pattern);
      await die();
      if (pattern === 'p') {
        expect([ends, asked().length]).toEqual([['PEER_GONE'], 1]);
        return;
      }
      await answer();
      expect([ends, new Set(asked()).size]).toEqual([[['yes']], 2]);
    },
  );

  it('is never tried again because of what a handler failed with', async () => {
    const ends = await send('safe');
    await fail('NO_HANDLER');
    expect([ends, asked().length]).toEqual([['NO_HANDLER'], 1]);
  });

  it('is not tried again when a part of the response has come', async () => {
    const ends = await send('safe');
    cluster.receiveFrame(lastAsked(), 'next', lastId(), 1, { response: 'one' });
    await die();
    expect([ends, asked().length]).toEqual([['PEER_GONE'], 1]);
  });

  it('comes to the same node again, by its next connection, when that is the owner of the key', async () => {
    await client.connect();
    const original = cluster.send.bind(cluster);
    vi.spyOn(cluster, 'send').mockImplementationOnce(async (to, topic, data) => {
      await original(to, topic, data);
      throw error('CONNECTION_LOST');
    });
    const ends = await send('safe', { key: 7 });
    await answer();
    expect([ends, asked().length, new Set(asked()).size]).toEqual([[['yes']], 2, 1]);
  });
});

it('a client that is closed tries nothing again', async () => {
  const ends = await send('safe');
  client.close();
  await turns(60);
  expect([ends, asked().length]).toEqual([['ABORTED'], 1]);
});

it('options that are none are told', () => {
  expect(() => begin({ retries: -1 })).toThrow(/retries/);
});

it('a server that has ended refuses what comes after, as not handled, until it listens again', async () => {
  const server = new PeerageServer({ cluster: cluster.service });
  server.addHandler('p', async () => 'handled');
  server.listen(() => {});
  await server.close();
  expect(cluster.offered).toEqual([]);
  cluster.receive(servers[0]!, TOPICS.request, [7, { pattern: 'p', data: 1 }]);
  await turns(60);
  expect(cluster.answersSent).toMatchObject([['error', 7, { code: 'NO_HANDLER', untouched: true }]]);
  server.listen(() => {});
  cluster.receive(servers[0]!, TOPICS.request, [8, { pattern: 'p', data: 1 }]);
  await vi.waitFor(() => expect(cluster.answersSent).toHaveLength(2));
  expect(cluster.answersSent.slice(1)).toMatchObject([['reply', 8, { response: 'handled' }]]);
  await server.close();
});
