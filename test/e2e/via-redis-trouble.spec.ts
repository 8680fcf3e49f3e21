import { createServer } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { viaRedis } from '../../lib/via/redis/index.js';
import type { PeerageProvider } from '../../lib/via/provider.js';
import { TestAuthority } from '../support/mesh/certificates.js';
import { freePorts } from '../support/processes/cluster.js';
import { TcpProxy } from '../support/mesh/tcp-proxy.js';
import { ownIoredis, ownNodeRedis } from '../../lib/via/redis/own-redis.js';
import { RedisRegistry } from '../../lib/via/redis/redis-registry.js';
import { RedisServer } from '../support/providers/redis-server.js';
import { REDIS_KINDS } from '../support/providers/store-providers.js';
import { has } from '../support/requirements.mjs';

const KEY = 'peerage:kit';
const BOOT_ID = '0123456789abcdef0123456789abcdef';

describe.skipIf(!has('redis-server'))('viaRedis, with what goes wrong in production', () => {
  let server: RedisServer;
  beforeAll(async () => void (server = await RedisServer.start()));
  afterAll(() => server.stop());
  const members = () => server.run((redis) => redis.zrange(KEY, 0, '-1'));

  const ends: (() => unknown)[] = [];
  beforeEach(async () => void (await server.run((redis) => redis.flushall())));
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  /** A client of the app, whose path to the server can be cut. */
  async function clientOfApp() {
    const [port = 0] = await freePorts(1);
    const proxy = await TcpProxy.open(port, server.port);
    ends.push(() => proxy.close());
    const client = new Redis(port, '127.0.0.1');
    client.on('error', () => {});
    ends.push(() => client.disconnect());
    return { proxy, client };
  }

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
    const end = async () => {
      aborter.abort();
      await serving;
    };
    ends.push(end);
    const poll = async () => [...(await provider.poll(context))];
    return { found, warnings, poll, end };
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

  it('leaves no connection open that it gave up while that was being made', async () => {
    const connections = async () =>
      (await server.run((redis) => redis.info('clients'))).match(/connected_clients:(\d+)/)?.[1];
    const before = await connections();
    for (const open of [ownIoredis, ownNodeRedis]) {
      const redis = (await open({ url: server.url }))!;
      const given = new AbortController();
      const ready = redis.ready(given.signal).catch(() => {});
      redis.close();
      given.abort();
      await ready;
    }
    // One that goes on is connected by then.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await connections()).toBe(before);
  });

  it('gives up a connection on which nobody says a word', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    ends.push(() => silent.close());
    const [port = 0] = await freePorts(1);
    const proxy = await TcpProxy.open(port, (silent.address() as { port: number }).port);
    ends.push(() => proxy.close());
    const url = `redis://127.0.0.1:${port}`;
    const self = { name: 'kit@10.3.0.3', bootId: BOOT_ID, host: 'h', port: 1, meta: {} };
    const asks = Object.entries(REDIS_KINDS).map(([kind, make]) => {
      const { provider, end } = make(url, 30_000);
      ends.push(end);
      return { kind, ask: async () => provider.poll({ self, signal: AbortSignal.timeout(5_000) }) };
    });
    await Promise.all(asks.map(({ kind, ask }) => expect(ask(), kind).rejects.toThrow(/in time|not ready/)));
    proxy.leadTo(server.port);
    await Promise.all(asks.map(async ({ kind, ask }) => expect(await ask(), kind).toEqual([])));
  });

  it('makes a connection in the place of a client of the app that does not notice that its own is dead', async () => {
    const { proxy, client } = await clientOfApp();
    const { poll } = served(viaRedis({ client }), 'kit@10.3.0.2');
    expect(await poll()).toEqual([]);
    proxy.blackHole();
    await expect(poll()).rejects.toThrow(/client is one of the app.*socketTimeout/);
    expect(await poll()).toEqual([]);
    expect(client.status).toBe('ready');
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

  it('joins no other database where the server has none of its number, and where its user may not go there', async () => {
    await server.run((redis) =>
      redis.acl('SETUSER', 'homely', 'reset', 'on', '>password', '~*', '&*', '+@all', '-select'),
    );
    const urls = [`${server.url}/99`, `${server.url.replace('//', '//homely:password@')}/1`];
    const [absent, denied] = urls.map((url, i) => served(viaRedis({ url }), `kit@10.6.0.${i}`));
    await expect(absent!.poll()).rejects.toThrow(/out of range.*no database of that number/);
    await expect(denied!.poll()).rejects.toThrow(/NOPERM.*\+select/);
    expect(await server.run((redis) => redis.keys('*'))).toEqual([]);
  });

  it('says that something else is kept under its key, and leaves it alone', async () => {
    await server.run((redis) => redis.set(KEY, 'of somebody else'));
    const { poll } = served(viaRedis({ url: server.url }), 'kit@10.7.0.1');
    await expect(poll()).rejects.toThrow(/WRONGTYPE.*under peerage:kit: .*another key/);
    expect(await server.run((redis) => redis.get(KEY))).toBe('of somebody else');
  });

  it('works again when its connections are killed, each time', async () => {
    const { found, poll } = served(viaRedis({ url: server.url }), 'kit@10.8.0.1');
    for (let i = 0; i < 3; i += 1) {
      await vi.waitFor(async () => expect(await members()).toHaveLength(1), 10_000);
      for (const kind of ['normal', 'pubsub'])
        await server.run((redis) => redis.call('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes'));
    }
    served(viaRedis({ url: server.url }), 'kit@10.8.0.2');
    await vi.waitFor(() => expect(found).toEqual(['kit@10.8.0.2']), 20_000);
    await vi.waitFor(async () => expect(await poll()).toEqual(['kit@10.8.0.2']), 10_000);
  });

  it('may end while it subscribes again: no rejection is unheard', async () => {
    const { proxy, client } = await clientOfApp();
    const unheard: unknown[] = [];
    const note = (reason: unknown) => void unheard.push(reason);
    process.on('unhandledRejection', note);
    ends.push(() => process.off('unhandledRejection', note));
    const duplicate = vi.spyOn(client, 'duplicate');
    ends.push(() => vi.restoreAllMocks());

    const { end } = served(viaRedis({ client }), 'kit@10.8.0.3');
    const listeners = () => server.run((redis) => redis.pubsub('NUMSUB', `${KEY}@0`));
    await vi.waitFor(async () => expect(await listeners()).toEqual([`${KEY}@0`, 1]), 10_000);
    const subscriber = duplicate.mock.results[0]!.value as Redis;
    // When it is connected again its words are on their way, and get no answer any more.
    const connectedAgain = new Promise<void>((resolve) =>
      subscriber.once('ready', () => {
        proxy.blackHole();
        resolve();
      }),
    );
    await server.run((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await connectedAgain;
    const ending = end();
    await proxy.close();
    await ending;
    await vi.waitFor(() => expect(subscriber.status).toBe('end'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(unheard).toEqual([]);
  });

  it('finds nodes by a cluster of ioredis', async () => {
    const one = await RedisServer.start(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1']);
    ends.push(() => one.stop());
    await one.run((redis) => redis.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383'));
    const [first] = ['1', '2'].map((n) => {
      const client = new Cluster([{ host: '127.0.0.1', port: one.port }]);
      client.on('error', () => {});
      ends.push(() => client.disconnect());
      return served(viaRedis({ client }), `kit@10.9.0.${n}`);
    });
    await vi.waitFor(() => expect(first!.found).toEqual(['kit@10.9.0.2']), 20_000);
  });

  it('reaches a server by TLS when its certificate is trusted, and says how that is done otherwise', async () => {
    const authority = new TestAuthority();
    ends.push(() => authority.dispose());
    const files = authority.issueFiles('localhost');
    const [tlsPort = 0] = await freePorts(1);
    const tls = ['--tls-port', `${tlsPort}`, '--tls-cert-file', files.cert, '--tls-key-file', files.key];
    const secure = await RedisServer.start([
      ...tls,
      '--tls-ca-cert-file',
      authority.caFile,
      '--tls-auth-clients',
      'no',
    ]);
    ends.push(() => secure.stop());
    const url = `rediss://localhost:${tlsPort}`;
    await expect(served(viaRedis({ url }), 'kit@10.10.0.1').poll()).rejects.toThrow(
      /certificate.*NODE_EXTRA_CA_CERTS/,
    );
    const client = new Redis(url, { tls: { ca: authority.ca } });
    client.on('error', () => {});
    ends.push(() => client.disconnect());
    expect(await served(viaRedis({ client }), 'kit@10.10.0.2').poll()).toEqual([]);
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
