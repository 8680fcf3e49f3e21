import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, PeerageModule } from '../../lib/index.js';
import { viaRedis } from '../../lib/via/redis/index.js';
import type { ViaRedisOptions } from '../../lib/via/redis/index.js';
import { describeProvider } from '../../lib/testing/index.js';
import type { ProviderFixtures } from '../../lib/testing/index.js';
import type { PeerageProvider } from '../../lib/via/provider.js';
import { CapturedLog } from '../support/captured-log.js';
import { RedisServer } from '../support/providers/redis-server.js';
import { has } from '../support/requirements.mjs';

const KEY = 'peerage:kit';
const CHANNEL = `${KEY}@0`;
const BOOT_ID = '0123456789abcdef0123456789abcdef';

describe.skipIf(!has('redis-server'))('viaRedis', () => {
  let server: RedisServer;
  const clients: { destroy(): void }[] = [];
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(async () => {
    for (const client of clients) client.destroy();
    await server.stop();
  });
  beforeEach(() => server.start());

  const fixtures: ProviderFixtures = {
    hold: (names) =>
      server.run(async (redis) => {
        await redis.del(KEY);
        if (names.length > 0) await redis.zadd(KEY, ...names.flatMap((name) => ['+inf', name]));
        for (const name of names) await redis.publish(CHANNEL, name);
      }),
    addGarbage: (texts) =>
      server.run(async (redis) => {
        await redis.zadd(KEY, ...texts.flatMap((text) => ['+inf', text]));
        for (const text of texts) await redis.publish(CHANNEL, text);
      }),
    fail: () => server.kill(),
    hang: () => server.freeze(),
    heal: () => server.start(),
    held: () => server.run(async (redis) => (await redis.zrange(KEY, 0, '-1')).map(withoutBootId)),
    pushes: true,
  };
  const members = () => server.run((redis) => redis.zrange(KEY, 0, '-1'));
  const withoutBootId = (member: string) => member.split(' ')[0]!;

  describeProvider(() => viaRedis({ url: server.url }), fixtures, {
    describe,
    it,
    title: 'with a connection of its own',
  });

  describe('with a client of ioredis', () => {
    let client: Redis;
    beforeAll(() => {
      client = new Redis(server.url, { retryStrategy: () => 100 });
      client.on('error', () => {});
      clients.push({ destroy: () => client.disconnect() });
    });
    describeProvider(() => viaRedis({ client }), fixtures, { describe, it, title: 'keeps the contract' });
    it('leaves it open', () => expect(client.status).toBe('ready'));
  });

  describe('with a client of node-redis', () => {
    const connect = () => createClient({ url: server.url, socket: { reconnectStrategy: 100 } });
    let client: ReturnType<typeof connect>;
    beforeAll(async () => {
      client = connect();
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
    });
    describeProvider(() => viaRedis({ client }), fixtures, { describe, it, title: 'keeps the contract' });
    it('leaves it open', () => expect(client.isReady).toBe(true));
  });

  describe('on a server', () => {
    let aborter: AbortController;
    let served: Promise<void>[];
    beforeEach(async () => {
      aborter = new AbortController();
      served = [];
      await server.run((redis) => redis.flushall());
    });
    afterEach(async () => {
      aborter.abort();
      await Promise.all(served);
    });

    const memberOf = (name: string) => `${name} ${BOOT_ID}`;
    const context = (name: string) => ({
      self: { name, bootId: BOOT_ID, host: 'h', port: 1, meta: {} },
      signal: aborter.signal,
    });
    const serve = (provider: PeerageProvider, name: string) =>
      void served.push(provider.serve!({ ...context(name), found: () => {} }));

    it('forgets a node that was killed, and then its whole cluster', async () => {
      const [seconds = 0] = await server.run((redis) => redis.time());
      await server.run((redis) => redis.zadd(KEY, String(seconds * 1_000 - 1), memberOf('kit@10.0.0.1')));
      const provider = viaRedis({ url: server.url, ttlMs: 1_000 });
      expect(await provider.poll(context('kit@10.0.0.2'))).toEqual([]);
      expect(await members()).toEqual([memberOf('kit@10.0.0.1')]);
      serve(provider, 'kit@10.0.0.2');
      await vi.waitFor(async () => expect(await members()).toEqual([memberOf('kit@10.0.0.2')]));
      const lifeMs = await server.run((redis) => redis.pttl(KEY));
      expect(lifeMs).toBeGreaterThan(0);
      expect(lifeMs).toBeLessThanOrEqual(2_000);
    });

    it('refreshes its entry before it expires', async () => {
      serve(viaRedis({ url: server.url, ttlMs: 1_000 }), 'kit@10.0.0.3');
      const score = () => server.run((redis) => redis.zscore(KEY, memberOf('kit@10.0.0.3')));
      await vi.waitFor(async () => expect(await score()).not.toBeNull());
      const first = Number(await score());
      await vi.waitFor(async () => expect(Number(await score())).toBeGreaterThan(first), { timeout: 5_000 });
    });

    it('neither lists keys nor reads those of others', async () => {
      const seen: string[] = [];
      const client = new Redis(server.url);
      clients.push({ destroy: () => client.disconnect() });
      const monitor = await client.monitor();
      monitor.on('monitor', (_time: string, words: string[]) => seen.push(words[0]!.toUpperCase()));
      const provider = viaRedis({ url: server.url, ttlMs: 1_000 });
      serve(provider, 'kit@10.0.0.4');
      await vi.waitFor(() => expect(seen).toContain('PUBLISH'));
      await provider.poll(context('kit@10.0.0.5'));
      monitor.disconnect();
      expect(seen.filter((word) => /^(KEYS|SCAN|FLUSH)/.test(word))).toEqual([]);
      expect(seen).toContain('ZRANGEBYSCORE');
    });

    it('says what is wrong when the server may be read, but not written to', async () => {
      await server.run((redis) =>
        redis.acl('SETUSER', 'reader', 'on', '>password', '~*', '&*', '+@read', '+@fast', '+info', '-@write'),
      );
      const provider = viaRedis({ url: server.url.replace('//', '//reader:password@') });
      expect(await provider.poll(context('kit@10.0.0.6'))).toEqual([]);
      const serving = provider.serve!({ ...context('kit@10.0.0.6'), found: () => {} });
      await expect(serving).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
      await expect(serving).rejects.toThrow(/NOPERM/);
    });

    it('needs few rights', async () => {
      const commands = 'zadd zrem zrangebyscore zremrangebyscore pexpire time publish subscribe ping info';
      const rights = commands.split(' ').map((command) => `+${command}`);
      await server.run((redis) =>
        redis.acl('SETUSER', 'few', 'on', '>password', '~peerage:*', '&peerage:*', ...rights),
      );
      const url = server.url.replace('//', '//few:password@');
      const found: string[] = [];
      const provider = viaRedis({ url });
      served.push(
        provider.serve!({ ...context('kit@10.0.0.8'), found: (names) => void found.push(...names) }),
      );
      await vi.waitFor(async () => expect(await members()).toEqual([memberOf('kit@10.0.0.8')]), 10_000);
      await vi.waitFor(async () => {
        await server.run((redis) => redis.zadd(KEY, '+inf', 'kit@10.0.0.9'));
        await server.run((redis) => redis.publish(CHANNEL, ''));
        expect(found).toContain('kit@10.0.0.9');
      }, 10_000);
      expect(await provider.poll(context('kit@10.0.0.1'))).toEqual(['kit@10.0.0.8', 'kit@10.0.0.9']);
    });

    it('says what is wrong when nobody listens there, without the password', async () => {
      const provider = viaRedis({ url: 'redis://:hunter2@127.0.0.1:9' });
      const polling = Promise.resolve(provider.poll(context('kit@10.0.0.7')));
      await expect(polling).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
      await expect(polling).rejects.toThrow(/ECONNREFUSED.*server is up/);
      await expect(polling).rejects.not.toThrow(/hunter2/);
    });
  });

  it('takes a client from the container of the app', async () => {
    const token = Symbol('redis');
    @Injectable()
    class RedisClientOfApp extends Redis {
      constructor() {
        super(server.url);
      }
    }
    @Module({ providers: [{ provide: token, useClass: RedisClientOfApp }] })
    class RedisModule {}
    const start = async () => {
      const via = viaRedis({ token });
      const module = await Test.createTestingModule({
        imports: [RedisModule, PeerageModule.forRoot({ appName: 'kit', bind: '127.0.0.1', port: 0, via })],
      })
        .setLogger(new CapturedLog())
        .compile();
      await module.init();
      return module;
    };
    const modules = [await start(), await start()];
    try {
      await modules[0]!.get(ClusterService).waitFor(1, { timeoutMs: 20_000 });
    } finally {
      await Promise.all(modules.map((module) => module.close()));
      for (const module of modules) module.get<Redis>(token, { strict: false }).disconnect();
    }
  });
});

describe('the options of viaRedis', () => {
  it.each<[ViaRedisOptions, RegExp]>([
    [{}, /one of url, client and token/],
    [{ url: 'redis://h', token: 'REDIS' }, /one of url, client and token/],
    [{ url: 'http://h' }, /url/],
    [{ url: 'redis://h', ttlMs: 10 }, /ttlMs 10 .* 1000/],
    [{ url: 'redis://h', key: '' }, /key/],
    [{ url: 'redis://h?dbb=1' }, /no parameter dbb; it takes db, family, tls/],
    [{ url: 'redis://h?db=x' }, /db=x is no number/],
    [{ url: 'redis://h/cache' }, /\/cache.*no number of a database/],
    [{ url: 'redis://h?family=5' }, /family=5 is none of 0, 4 and 6/],
    [{ url: 'redis://h?tls=maybe' }, /tls=maybe/],
    [{ client: {} as never }, /none of ioredis/],
    [
      { client: createCluster({ rootNodes: [{ url: 'redis://h' }] }) as never },
      /no cluster, sentinel or pool/,
    ],
    [{ client: createClientPool() as never }, /no cluster, sentinel or pool/],
    [
      { client: createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'h', port: 1 }] }) as never },
      /no cluster, sentinel or pool/,
    ],
  ])('%# are refused', (options, why) => {
    expect(() => viaRedis(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => viaRedis(options)).toThrow(why);
  });
});
