import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, PeerageModule } from '../../lib/index.js';
import { viaRedis } from '../../lib/via/redis/index.js';
import type { ViaRedisOptions } from '../../lib/via/redis/index.js';
import { describeProvider } from '../../lib/testing/index.js';
import type { ProviderFixtures } from '../../lib/testing/index.js';
import type { PeerageProvider } from '../../lib/via/provider.js';
import { CapturedLog } from '../support/captured-log.js';
import { freePorts } from '../support/processes/cluster.js';
import { TcpProxy } from '../support/mesh/tcp-proxy.js';
import { ownIoredis, ownNodeRedis } from '../../lib/via/redis/own-redis.js';
import { RedisRegistry } from '../../lib/via/redis/redis-registry.js';
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
    const members = () => server.run((redis) => redis.zrange(KEY, 0, '-1'));

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
      const monitor = await new Redis(server.url).monitor();
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

  describe('with what goes wrong in production', () => {
    const ends: (() => unknown)[] = [];
    beforeEach(async () => void (await server.run((redis) => redis.flushall())));
    afterEach(async () => {
      for (const end of ends.splice(0).toReversed()) await end();
    });

    /** A provider that is served under a name. */
    function served(provider: PeerageProvider, name: string, bootId = BOOT_ID) {
      const aborter = new AbortController();
      const found: string[] = [];
      const warnings: string[] = [];
      const context = {
        self: { name, bootId, host: 'h', port: 1, meta: {} },
        signal: aborter.signal,
        found: (names: Iterable<string>) => void found.push(...names),
        warn: (message: string) => void warnings.push(message),
      };
      const serving = provider.serve!(context).catch(() => {});
      ends.push(async () => {
        aborter.abort();
        await serving;
      });
      const poll = async () => [...(await provider.poll(context))];
      return { found, warnings, poll };
    }

    it('keeps clusters apart that use other databases of one server, in either way to write that', async () => {
      const [one, two, three] = ['', '/1', '?db=1'].map((which, i) =>
        served(viaRedis({ url: `${server.url}${which}` }), `kit@10.1.0.${i}`),
      );
      await vi.waitFor(() => expect(two!.found).toEqual(['kit@10.1.0.2']), 10_000);
      await vi.waitFor(() => expect(three!.found).toEqual(['kit@10.1.0.1']), 10_000);
      expect(one!.found).toEqual([]);
      expect(await one!.poll()).toEqual([]);
    });

    it('keeps clusters apart whose clients put different prefixes before their keys', async () => {
      const withPrefix = (keyPrefix: string) => {
        const client = new Redis(server.url, { keyPrefix });
        client.on('error', () => {});
        ends.push(() => client.disconnect());
        return viaRedis({ client });
      };
      const [staging, production, other] = ['staging:', 'production:', 'production:'].map((prefix, i) =>
        served(withPrefix(prefix), `kit@10.2.0.${i}`),
      );
      await vi.waitFor(() => expect(production!.found).toEqual(['kit@10.2.0.2']), 10_000);
      await vi.waitFor(() => expect(other!.found).toEqual(['kit@10.2.0.1']), 10_000);
      expect(staging!.found).toEqual([]);
    });

    it.each(['ioredis', 'redis'])(
      'notices within seconds that a connection of %s is dead without a word, and makes another',
      async (kind) => {
        const [port = 0] = await freePorts(1);
        const proxy = await TcpProxy.open(port, server.port);
        ends.push(() => proxy.close());
        const address = { url: `redis://127.0.0.1:${port}` };
        const redis = (await (kind === 'redis' ? ownNodeRedis(address) : ownIoredis(address)))!;
        const registry = new RedisRegistry(redis, undefined, 30_000);
        ends.push(() => registry.close());
        const self = { name: 'kit@10.3.0.1', bootId: BOOT_ID, host: 'h', port: 1, meta: {} };
        const { signal } = new AbortController();
        await registry.register(self, signal);
        proxy.blackHole();
        await expect(registry.entries(self, signal)).rejects.toMatchObject({
          code: 'PROVIDER_TIMEOUT',
          message: expect.stringContaining('made anew') as string,
        });
        expect(await registry.entries(self, signal)).toEqual([{ name: 'kit@10.3.0.1', bootId: BOOT_ID }]);
      },
    );

    it('says that the client of the app does not notice a dead connection', async () => {
      const [port = 0] = await freePorts(1);
      const proxy = await TcpProxy.open(port, server.port);
      ends.push(() => proxy.close());
      const client = new Redis(port, '127.0.0.1');
      client.on('error', () => {});
      ends.push(() => client.disconnect());
      const { poll } = served(viaRedis({ client }), 'kit@10.3.0.2');
      expect(await poll()).toEqual([]);
      proxy.blackHole();
      await expect(poll()).rejects.toThrow(/client is one of the app.*socketTimeout/);
    });

    it('says which channel a user lacks, and finds nodes at the poll all the same', async () => {
      await server.run((redis) =>
        redis.acl('SETUSER', 'mute', 'reset', 'on', '>password', '~*', '+@all', 'resetchannels'),
      );
      const url = server.url.replace('//', '//mute:password@');
      const { warnings, poll } = served(viaRedis({ url }), 'kit@10.4.0.1');
      await vi.waitFor(() => expect(warnings).toHaveLength(1), 15_000);
      expect(warnings[0]).toMatch(/not notified.*NOPERM.*ACL SETUSER <user> &peerage:kit@0/);
      expect(await poll()).toEqual([]);
    });

    it('says that a replica may not be written to', async () => {
      const [port = 0] = await freePorts(1);
      const replica = await RedisServer.start(['--replicaof', '127.0.0.1', String(port)]);
      ends.push(() => replica.stop());
      const context = {
        self: { name: 'kit@10.5.0.1', bootId: BOOT_ID, host: 'h', port: 1, meta: {} },
        signal: new AbortController().signal,
        found: () => {},
      };
      const serving = viaRedis({ url: replica.url }).serve!(context);
      await expect(serving).rejects.toThrow(/READONLY.*address of the primary/);
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
  ])('%j are refused', (options, why) => {
    expect(() => viaRedis(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => viaRedis(options)).toThrow(why);
  });
});
