import type { Observable } from 'rxjs';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PeerageClient } from '../../lib/microservices/index.js';
import { CALCULATOR, Diary } from '../support/apps/calculator.controller.js';
import { MicroserviceNodes } from '../support/apps/microservice-nodes.js';
import type { MicroserviceNode } from '../support/apps/microservice-nodes.js';

const nodes = new MicroserviceNodes();
let caller: MicroserviceNode;
let server: MicroserviceNode;
let client: PeerageClient;
let diary: unknown[];

beforeAll(async () => {
  [caller, server] = (await nodes.start({ serves: 'never' }, CALCULATOR)) as [
    MicroserviceNode,
    MicroserviceNode,
  ];
  client = caller.client;
  diary = server.app.get(Diary).entries;
});
afterAll(() => nodes.stop());
beforeEach(() => void (diary.length = 0));

const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()));
const ask = (pattern: unknown, data: unknown = {}): Promise<unknown> =>
  lastValueFrom(client.send(pattern, data));
const failureOf = (pattern: unknown, data: unknown = {}): Promise<unknown> =>
  ask(pattern, data).then(
    (value) => Promise.reject(new Error(`It answered ${JSON.stringify(value)}`)),
    (error: unknown) => error,
  );

describe('a request', () => {
  it.each([
    ['a value', { cmd: 'sum' }],
    ['a value, whatever the order of the keys', { how: 'later', cmd: 'sum' }],
    ['an observable', 'sum.observable'],
    ['a promise of an observable', 'sum.promise-of-observable'],
  ])('is answered with %s', async (_, pattern) => {
    expect(await all(client.send(pattern, [1, 2, 3, 4, 5]))).toEqual([15]);
  });

  it('gets its own answer among many at once', async () => {
    const lists = Array.from({ length: 200 }, (_, i) => [i, 1, 2]);
    const answers = await Promise.all(
      lists.map((list, i) => ask(['sum.observable', 'sum.promise-of-observable'][i % 2], list)),
    );
    expect(answers).toEqual(lists.map(([i]) => i! + 3));
  });

  it('carries what messages carry, both ways', async () => {
    const value = {
      date: new Date(5),
      bytes: Buffer.from([1, 2]),
      map: new Map([['a', 1]]),
      set: new Set([1]),
      big: 2n ** 70n,
      nothing: null,
    };
    const { bytes, ...rest } = (await ask('echo', value)) as typeof value;
    expect(rest).toEqual({ date: value.date, map: value.map, set: value.set, big: value.big, nothing: null });
    expect([...bytes]).toEqual([1, 2]);
  });

  it('completes without a value when the handler returns nothing', async () => {
    expect(await all(client.send('nothing', {}))).toEqual([]);
    expect(await all(client.send('echo', 0))).toEqual([0]);
  });

  it('is sent by subscribing, once for each', async () => {
    const request = client.send('stream.silent', 'two of them');
    expect(diary).toEqual([]);
    const subscriptions = [request.subscribe(), request.subscribe()];
    await vi.waitFor(() => expect(diary).toHaveLength(2));
    for (const subscription of subscriptions) subscription.unsubscribe();
    await vi.waitFor(() => expect(diary).toHaveLength(4));
  });

  it('that is nothing fails as with every transport', async () => {
    expect(await failureOf('echo', null)).toMatchObject({ message: expect.stringContaining('invalid') });
  });
});

describe('a stream', () => {
  it('arrives whole, in order, and completes', async () => {
    expect(await all(client.send('stream', [1, 2, 3]))).toEqual([1, 2, 3]);
    expect(await all(client.send('stream.slow', [1, 2, 3, 4]))).toEqual([1, 3, 6, 10]);
    expect(await all(client.send('stream.empty', {}))).toEqual([]);
  });

  it('may be long', async () => {
    const values = await all(client.send<number>('stream.long', 20_000));
    expect(values).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
  });

  it('ends at the server when nobody wants more of it', async () => {
    expect(await all(client.send('stream.endless', 'three').pipe(take(3)))).toEqual([0, 1, 2]);
    await vi.waitFor(() => expect(diary).toEqual(['end of three']));
  });

  it('ends at the server when nobody wants it any more before it has begun', async () => {
    const subscription = client.send('stream.silent', 'a call').subscribe();
    await vi.waitFor(() => expect(diary).toEqual(['begin of a call']));
    subscription.unsubscribe();
    await vi.waitFor(() => expect(diary).toEqual(['begin of a call', 'end of a call']));
  });

  it('passes on what came before an error', async () => {
    const values: unknown[] = [];
    const error = await new Promise((resolve) => {
      client.send('stream.breaks', {}).subscribe({ next: (value) => values.push(value), error: resolve });
    });
    expect(values).toEqual([1]);
    expect(error).toEqual({ status: 'error', message: 'broken after 1' });
  });
});

describe('an error', () => {
  it('of a handler has its message, or is the object it was made of', async () => {
    expect(await failureOf('error.rpc', 'not today')).toEqual({ status: 'error', message: 'not today' });
    const error = { code: 'SOLD_OUT', left: 0 };
    expect(await failureOf('error.rpc', error)).toEqual(error);
  });

  it('that is no RpcException tells nothing of itself', async () => {
    expect(await failureOf('error.unknown')).toEqual({ status: 'error', message: 'Internal server error' });
  });

  it('goes through exception filters', async () => {
    expect(await failureOf('error.filtered', 'caught')).toEqual({ filtered: 'caught' });
    expect(await failureOf('error.raw', 'caught')).toEqual({
      status: 'error',
      name: 'Error',
      message: 'caught',
      details: { retry: false },
    });
  });

  it('says when an answer cannot be sent, also in the midst of a stream', async () => {
    expect(await failureOf('error.unsendable')).toMatchObject({ code: 'INVALID_MESSAGE' });
    expect(await failureOf('error.unsendable-later')).toMatchObject({ code: 'INVALID_MESSAGE' });
  });

  it('says when a request cannot be sent', async () => {
    expect(await failureOf('echo', { run: () => {} })).toMatchObject({ code: 'INVALID_MESSAGE' });
    await expect(lastValueFrom(client.emit('noted', () => {}))).rejects.toMatchObject({
      code: 'INVALID_MESSAGE',
    });
  });

  it('says when nobody has a handler', async () => {
    expect(await failureOf('no.such')).toMatchObject({
      code: 'NO_HANDLER',
      message: expect.stringContaining('"no.such"'),
    });
    expect(await failureOf({ cmd: 'none' })).toMatchObject({ code: 'NO_HANDLER' });
    expect(await failureOf('tcp-only')).toMatchObject({ code: 'NO_HANDLER' });
  });
});

describe('a handler', () => {
  it('is guarded', async () => {
    expect(await failureOf('guarded', { admin: false })).toEqual({
      status: 'error',
      message: 'Forbidden resource',
    });
    expect(await ask('guarded', { admin: true })).toBe('come in');
  });

  it('has pipes and interceptors', async () => {
    expect(await ask('piped', { value: '20' })).toBe(402);
    expect(await failureOf('piped', { value: 'twenty' })).toMatchObject({ status: 'error' });
  });

  it('knows who asks, and for what', async () => {
    expect(await ask('context')).toMatchObject({ name: caller.cluster.self.name, pattern: 'context' });
  });

  it('gets what the dispatch hook attached', async () => {
    client.setOnDispatchHook((packet) => (packet.metadata = { trace: 'a1' }));
    try {
      expect(await ask('context')).toMatchObject({ metadata: { trace: 'a1' } });
      const routed = client.to({ node: server.cluster.self.name }).send('context', {});
      expect(await lastValueFrom(routed)).toMatchObject({ metadata: { trace: 'a1' } });
    } finally {
      client.setOnDispatchHook(() => {});
    }
  });

  it('may be meant for this transport only', async () => {
    expect(await ask('here-only')).toBe('over the mesh');
  });

  it('of a request-scoped controller gets a new one each time', async () => {
    const first = (await ask('scoped', 'a')) as { number: number };
    const second = await ask('scoped', 'b');
    expect(second).toEqual({ number: first.number + 1, data: 'b', value: 'b' });
  });
});

describe('an event', () => {
  it('reaches its handler with the payload', async () => {
    await lastValueFrom(client.emit('noted', { price: 3 }), { defaultValue: undefined });
    await vi.waitFor(() => expect(diary).toEqual([{ price: 3 }]));
  });

  it('is sent without anybody who subscribes', async () => {
    client.emit('noted', 'unheard');
    await vi.waitFor(() => expect(diary).toEqual(['unheard']));
  });

  it('reaches every handler of its pattern', async () => {
    client.emit({ note: 'twice' }, 1);
    await vi.waitFor(() =>
      expect(diary).toEqual([
        ['first', 1],
        ['second', 1],
      ]),
    );
  });

  it('keeps its place among others', async () => {
    for (let i = 0; i < 100; i++) client.emit('noted', i);
    await vi.waitFor(() => expect(diary).toHaveLength(100));
    expect(diary).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('that fails harms nobody', async () => {
    client.emit('event.fails', 'on purpose');
    expect(await ask('echo', 'still there')).toBe('still there');
  });

  it('that nobody handles is none’s fault', async () => {
    expect(await all(client.emit('no.such', {}))).toEqual([undefined]);
  });

  it('can be asked for like a request, as with every transport', async () => {
    await firstValueFrom(client.send('noted', 'asked'), { defaultValue: undefined });
    expect(diary).toEqual(['asked']);
  });
});
