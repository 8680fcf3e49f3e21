import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, PeerageModule, viaList } from '../../lib/index.js';
import { PeerageClient, PeerageServer, peerageMicroservice } from '../../lib/microservices/index.js';
import { CALCULATOR, Diary } from '../support/apps/calculator.controller.js';
import { SECRET, freePorts, nameOn } from '../support/processes/cluster.js';
import { MicroserviceNodes } from '../support/apps/microservice-nodes.js';

const nodes = new MicroserviceNodes();
afterEach(() => nodes.stop());

const CALLING = { serves: 'never' } as const;
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'none',
    ({ code }: { code: unknown }) => code,
  );

describe('requests under way', () => {
  it('fail at once when their node goes down', async () => {
    const [a, b] = await nodes.start(CALLING, CALCULATOR);
    const answer = codeOf(lastValueFrom(a!.client.send('stream.endless', 'x')));
    await vi.waitFor(() => expect(b!.app.get(Diary)).toBeDefined());
    await lastValueFrom(a!.client.send('echo', 1));
    await b!.app.close();
    expect(await answer).toBe('PEER_GONE');
  });

  it('fail when their server is closed, and its work ends', async () => {
    const [a, b] = await nodes.start(CALLING, CALCULATOR);
    const answer = codeOf(lastValueFrom(a!.client.send('stream.silent', 'x')));
    await vi.waitFor(() => expect(b!.app.get(Diary).entries).toEqual(['begin of x']));
    void b!.server().close();
    expect(await answer).toBe('PEER_GONE');
    expect(b!.app.get(Diary).entries).toEqual(['begin of x', 'end of x']);
  });

  it('end at the server when their node goes down', async () => {
    const [a, b] = await nodes.start(CALLING, CALCULATOR);
    const answer = codeOf(lastValueFrom(a!.client.send('stream.silent', 'x')));
    await vi.waitFor(() => expect(b!.app.get(Diary).entries).toHaveLength(1));
    await a!.app.close();
    expect(['ABORTED', 'PEER_GONE', 'NOT_RUNNING']).toContain(await answer);
    await vi.waitFor(() => expect(b!.app.get(Diary).entries).toEqual(['begin of x', 'end of x']));
  });

  it('fail when the client is closed, which can be used again', async () => {
    const [a, b] = await nodes.start(CALLING, CALCULATOR);
    const statuses: string[] = [];
    a!.client.status.subscribe((status) => statuses.push(status));
    const answer = codeOf(lastValueFrom(a!.client.send('stream.silent', 'x')));
    await vi.waitFor(() => expect(b!.app.get(Diary).entries).toHaveLength(1));
    a!.client.close();
    expect(await answer).toBe('ABORTED');
    await vi.waitFor(() => expect(b!.app.get(Diary).entries).toContain('end of x'));
    expect(await lastValueFrom(a!.client.send('echo', 1))).toBe(1);
    expect(statuses).toEqual(['connected', 'disconnected', 'connected']);
  });
});

describe('a client', () => {
  it('shares its app with others', async () => {
    const [a] = await nodes.start(CALLING, CALCULATOR);
    const second = new PeerageClient({ cluster: a!.cluster });
    await Promise.all([a!.client.connect(), second.connect()]);
    second.close();
    second.close();
    expect(await lastValueFrom(a!.client.send('echo', 1))).toBe(1);
    expect(await lastValueFrom(second.to('any').send('echo', 2))).toBe(2);
    second.close();
  });

  it('hears events of the cluster, and hands out the service', async () => {
    const [a, b] = await nodes.start(CALLING, CALLING);
    const downs: string[] = [];
    a!.client.on('peer.down', ({ peer }) => downs.push(peer.name));
    expect(a!.client.unwrap()).toBe(a!.cluster);
    await b!.app.close();
    await vi.waitFor(() => expect(downs).toEqual([b!.cluster.self.name]));
  });

  it('and a server can have their own serialisers', async () => {
    const [port, other] = await freePorts(2);
    const via = viaList([nameOn(port!), nameOn(other!)]);
    const forRoot = (at: number) =>
      PeerageModule.forRoot({ appName: 'app', bind: '127.0.0.1', port: at, secret: SECRET, via });
    const text = {
      serializer: { serialize: (packet: unknown) => JSON.stringify(packet) },
      deserializer: { deserialize: async (packet: unknown) => JSON.parse(packet as string) as never },
    };
    @Module({ imports: [forRoot(port!)], ...CALCULATOR })
    class Serving {}
    @Module({ imports: [forRoot(other!)] })
    class Calling {}
    const server = await NestFactory.createMicroservice(Serving, {
      ...peerageMicroservice(text),
      logger: false,
    });
    const app = await NestFactory.createApplicationContext(Calling, { logger: false });
    try {
      await server.listen();
      const cluster = app.get(ClusterService);
      await cluster.waitFor(1, { timeoutMs: 20_000 });
      const client = new PeerageClient({ cluster, ...text });
      const sent = client.send('echo', { at: new Date(0) });
      expect(await lastValueFrom(sent)).toEqual({ at: '1970-01-01T00:00:00.000Z' });
      expect(await lastValueFrom(client.send('stream.slow', [1, 2]).pipe(toArray()))).toEqual([1, 3]);
      await expect(lastValueFrom(client.send('error.rpc', 'x'))).rejects.toMatchObject({ message: 'x' });
      client.close();
    } finally {
      await Promise.all([server.close(), app.close()]);
    }
  });

  it('needs a cluster', () => {
    for (const make of [PeerageClient, PeerageServer])
      expect(() => new make({ cluster: undefined as never })).toThrow(/ClusterService/);
  });
});

describe('a server', () => {
  it('is the only one of its app', async () => {
    const [a] = await nodes.start(CALCULATOR);
    const second = new PeerageServer({ cluster: a!.cluster });
    const said: unknown[] = [];
    second.listen((error) => said.push(error));
    expect(said).toEqual([expect.objectContaining({ code: 'INVALID_OPTIONS' })]);
    await second.close();
    expect(await lastValueFrom(a!.client.send('echo', 1))).toBe(1);
  });

  it('tells its status, hears events of the cluster, and hands out the service', async () => {
    const [a, b] = await nodes.start(CALCULATOR, CALLING);
    const statuses: string[] = [];
    const downs: string[] = [];
    a!.server().status.subscribe((status) => statuses.push(status));
    a!.server().on('peer.down', ({ peer }) => downs.push(peer.name));
    expect(a!.server().unwrap()).toBe(a!.cluster);
    await b!.app.close();
    await vi.waitFor(() => expect(downs).toHaveLength(1));
    await a!.server().close();
    await a!.server().close();
    expect(statuses).toEqual(['connected', 'disconnected']);
  });
});
