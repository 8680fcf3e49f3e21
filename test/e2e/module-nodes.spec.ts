import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { Injectable, Module } from '@nestjs/common';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterService, OnPeerDown, OnPeerUp, PeerageModule, viaList } from '../../lib/index.js';
import type { ClusterEventOf, PeerageModuleOptions } from '../../lib/index.js';
import { thrownBy } from '../support/errors.js';
import { handlesReleased, openHandles } from '../support/open-handles.js';

const secret = 'a secret that only these tests know';
const loopback: PeerageModuleOptions = {
  appName: 'app',
  secret,
  bind: '127.0.0.1',
  port: 0,
  intervalMs: 200,
};

let open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.map((one) => one.close()));
  open = [];
});

async function start(
  options: PeerageModuleOptions,
  providers: Type[] = [],
): Promise<INestApplicationContext> {
  @Module({ imports: [PeerageModule.forRoot({ ...loopback, ...options })], providers })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
  open.push(app);
  return app;
}

/** An app that is created but not initialised. */
async function compile(options: PeerageModuleOptions): Promise<TestingModule> {
  const imports = [PeerageModule.forRoot({ ...loopback, ...options })];
  const module = await Test.createTestingModule({ imports }).compile();
  module.useLogger(false);
  open.push(module);
  return module;
}

const peersOf = (app: INestApplicationContext) => app.get(ClusterService).peers.map(({ name }) => name);
const nameOf = (app: INestApplicationContext) => app.get(ClusterService).self.name;

@Injectable()
class Watcher {
  readonly seen: string[] = [];
  @OnPeerUp()
  up({ peer }: ClusterEventOf<'peer.up'>) {
    this.seen.push(`up ${peer.name}`);
  }
  @OnPeerDown()
  down({ peer, reason }: ClusterEventOf<'peer.down'>) {
    this.seen.push(`down ${peer.name} ${reason}`);
  }
}

describe('two apps over TCP', () => {
  it('become peers, tell their handlers, part, and leave nothing open', async () => {
    const before = openHandles();
    const a = await start({ meta: { zone: 'a' } }, [Watcher]);
    const b = await start({
      via: viaList([nameOf(a)]),
      waitFor: { peers: 1, timeoutMs: 20_000, reject: true },
    });
    expect(peersOf(b)).toEqual([nameOf(a)]);
    expect(b.get(ClusterService).peers[0]!.meta).toEqual({ zone: 'a' });
    await a.get(ClusterService).waitFor(1, { timeoutMs: 20_000 });
    const gone = new Promise((resolve) => a.get(ClusterService).on('peer.down', resolve));
    const nameOfB = nameOf(b);
    await b.close();
    await gone;
    expect(a.get(Watcher).seen).toEqual([`up ${nameOfB}`, `down ${nameOfB} left`]);
    await a.close();
    expect(await handlesReleased(before)).toEqual({});
  });

  it('connect on demand, and say why they do not', async () => {
    const a = await start({});
    const b = await start({});
    const stranger = await start({ secret: 'another secret of good length' });
    const peer = await a.get(ClusterService).connect(nameOf(b));
    expect(peer.bootId).toBe(b.get(ClusterService).self.bootId);
    const refusal = await thrownBy(() => stranger.get(ClusterService).connect(nameOf(a)));
    expect(refusal.code).toBe('WRONG_SECRET');
    expect(peersOf(stranger)).toEqual([]);
  });

  it('stay apart when they are of two clusters in one process', async () => {
    const all: PeerageModuleOptions['via'] = () => nodes.map(nameOf);
    const nodes: INestApplicationContext[] = [];
    for (const cluster of ['red', 'blue', 'red', 'blue']) nodes.push(await start({ cluster, via: all }));
    const [red1, blue1, red2, blue2] = nodes as [any, any, any, any];
    await Promise.all(nodes.map((node) => node.get(ClusterService).waitFor(1, { timeoutMs: 20_000 })));
    await Promise.all(nodes.map((node) => node.get(ClusterService).poll()));
    expect(peersOf(red1)).toEqual([nameOf(red2)]);
    expect(peersOf(blue1)).toEqual([nameOf(blue2)]);
    await Promise.all([red1.close(), red2.close()]);
    expect(peersOf(blue2)).toEqual([nameOf(blue1)]);
  });
});

describe('a start that fails', () => {
  let server: Server | undefined;
  afterEach(() => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined))));

  it('for a taken port rejects, and leaves nothing open', async () => {
    server = createServer();
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    const before = openHandles();
    const { port } = server.address() as AddressInfo;
    expect(await thrownBy(() => start({ port }))).toMatchObject({ code: 'PORT_IN_USE' });
    expect(await handlesReleased(before)).toEqual({});
  });

  it('for missing peers rejects, and leaves nothing open', async () => {
    const before = openHandles();
    const waitFor = { peers: 1, timeoutMs: 50, reject: true };
    expect(await thrownBy(() => start({ waitFor }))).toMatchObject({ code: 'WAIT_TIMEOUT' });
    expect(await handlesReleased(before)).toEqual({});
  });

  it('for invalid options rejects with all of them', async () => {
    const error = await thrownBy(() => start({ secret: 'short', intervalMs: -1 }));
    expect(error.message).toMatch(/2 options need a change/);
  });
});

describe('close', () => {
  const hanging = { name: 'hanging', poll: () => new Promise<string[]>(() => undefined) };

  it('before any init leaves nothing open', async () => {
    const before = openHandles();
    await (await compile({})).close();
    expect(await handlesReleased(before)).toEqual({});
  });

  it('during start-up ends it, and leaves nothing open', async () => {
    const before = openHandles();
    const app = await compile({ via: hanging });
    const init = app.init();
    await Promise.all([app.close(), init]);
    expect(await handlesReleased(before)).toEqual({});
  });

  it('while boot waits for peers comes when that wait is over, and leaves nothing open', async () => {
    const before = openHandles();
    const app = await compile({ waitFor: { peers: 1, timeoutMs: 300 } });
    const init = app.init();
    await Promise.all([app.close(), init]);
    expect(await handlesReleased(before)).toEqual({});
  });

  it('does not wait for providers that hang', async () => {
    const before = openHandles();
    const endless = { name: 'endless', poll: () => [], serve: () => new Promise<void>(() => undefined) };
    const app = await start({ via: [hanging, endless] });
    const polling = app.get(ClusterService).poll();
    polling.catch(() => undefined);
    await app.close();
    await expect(polling).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await handlesReleased(before)).toEqual({});
  });
});
