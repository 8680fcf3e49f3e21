import { createServer } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ownIoredis, ownNodeRedis } from '../../lib/via/redis/own-redis.js';
import { readRedisUrl } from '../../lib/via/redis/redis-url.js';
import { TestAuthority } from '../support/mesh/certificates.js';
import { TcpProxy } from '../support/mesh/tcp-proxy.js';
import { freePorts } from '../support/processes/cluster.js';
import { PgBouncer } from '../support/providers/pgbouncer.js';
import { PostgresServer } from '../support/providers/postgres-server.js';
import { ProviderRun } from '../support/providers/provider-run.js';
import { RedisServer } from '../support/providers/redis-server.js';
import type { StoreProvider } from '../support/providers/store-providers.js';
import { POSTGRES_KINDS, REDIS_KINDS } from '../support/providers/store-providers.js';
import { has } from '../support/requirements.mjs';

const KEY = 'peerage:kit';
const NEWCOMER = 'kit@10.99.0.1';
/** Entries are written anew each second. */
const TTL_MS = 3_000;
/** What is promised after a failover. */
const SOON = { timeout: 20_000, interval: 100 };

type After = typeof onTestFinished;
type Runs = ReadonlyMap<string, ProviderRun>;

/** One provider of each kind, as the module runs them. */
function runs(
  kinds: Readonly<Record<string, (url: string, ttlMs: number) => StoreProvider>>,
  url: string,
  after: After,
): Runs {
  const all = Object.entries(kinds).map(([kind, make], i) => {
    const { provider, end } = make(url, TTL_MS);
    const run = new ProviderRun(provider, `kit@10.98.0.${i + 1}`);
    after(async () => {
      await run.stop();
      await end();
    });
    return [kind, run] as const;
  });
  return new Map(all);
}

async function eachOf(all: Runs, check: (run: ProviderRun, kind: string) => void): Promise<void> {
  for (const [kind, run] of all) await vi.waitFor(() => check(run, kind), SOON);
}

/**
 * What a log would have, but for one line: on a slow machine notifications fail twice before the next poll, and are told
 * of as well.
 */
const told = ({ log }: ProviderRun): string[] =>
  log.filter((line) => !line.includes('It is not notified of new nodes'));

/** Of all that a log would have, only why it failed, and that it works again. */
function expectOneWarning(run: ProviderRun, kind: string, cause: RegExp): void {
  expect(told(run), kind).toEqual([expect.stringMatching(cause), 'recovered']);
}

const cannotBeAsked = (all: Runs) => eachOf(all, (run, kind) => expect(run.polled, kind).toBeUndefined());

describe.skipIf(!has('redis-server'))('viaRedis, when its server is another one all of a sudden', () => {
  const start = async (after: After): Promise<RedisServer> => {
    const server = await RedisServer.start();
    after(() => server.stop());
    return server;
  };
  const namesIn = async (server: RedisServer) =>
    (await server.run((redis) => redis.zrange(KEY, 0, '-1'))).map((member) => member.split(' ')[0]);
  const haveEntered = (server: RedisServer, least: number) =>
    vi.waitFor(async () => expect((await namesIn(server)).length).toBeGreaterThanOrEqual(least), SOON);

  it.concurrent(
    'goes on at the primary when its own has become a replica',
    async ({ onTestFinished: after }) => {
      const [old, primary] = [await start(after), await start(after)];
      const [port = 0] = await freePorts(1);
      const proxy = await TcpProxy.open(port, old.port);
      after(() => proxy.close());
      const all = runs(REDIS_KINDS, `redis://127.0.0.1:${port}`, after);
      await haveEntered(old, all.size);
      await old.run((redis) => redis.replicaof('127.0.0.1', primary.port));
      await eachOf(all, (run, kind) => expect(run.log, kind).toEqual([expect.stringMatching(/READONLY/)]));
      proxy.leadTo(primary.port);
      // A client of the app by node-redis does not leave by itself: it is sent away, as Sentinel does.
      await haveEntered(primary, all.size - 1);
      await old.run((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
      await haveEntered(primary, all.size);
      await primary.run(async (redis) => {
        await redis.zadd(KEY, '+inf', NEWCOMER);
        await redis.publish(`${KEY}@0`, NEWCOMER);
      });
      await eachOf(all, (run, kind) => expect(run.found, kind).toContain(NEWCOMER));
      await eachOf(all, (run, kind) => expectOneWarning(run, kind, /READONLY.*address of the primary/));
    },
  );

  it.concurrent('waits for a server that reads its data', async ({ onTestFinished: after }) => {
    const server = await start(after);
    const all = runs(REDIS_KINDS, server.url, after);
    await haveEntered(server, all.size);
    // For longer than an answer is waited for.
    await server.startSlowly(4_500);
    // Who asks between its end and its start hears that; a question on its way then gets no answer.
    const cause = /is starting, and reads|reads its data after a start|server is up|gave no answer to/;
    await eachOf(all, (run, kind) => expectOneWarning(run, kind, cause));
    await haveEntered(server, all.size);
  });

  it.concurrent('tells its name to the server in the handshake of TLS', async ({ onTestFinished: after }) => {
    const authority = new TestAuthority();
    after(() => authority.dispose());
    const asked: string[] = [];
    const SNICallback = (name: string, then: (error: null) => void) => then((asked.push(name), null));
    const server = createServer({ ...authority.issue('localhost'), SNICallback });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    after(() => void server.close());
    const { port } = server.address() as { port: number };
    const [host, address] = [`localhost:${port}`, `127.0.0.1:${port}`];
    for (const open of [ownIoredis, ownNodeRedis])
      for (const url of [`rediss://${host}`, `redis://${host}?tls=true`, `rediss://${address}`]) {
        const redis = (await open(readRedisUrl(url)))!;
        // Nobody knows the authority.
        await expect(redis.ready(AbortSignal.timeout(5_000))).rejects.toThrow(/certificate/);
        redis.close();
      }
    expect(asked).toEqual(Array.from({ length: 4 }, () => 'localhost'));
  });
});

describe.skipIf(!has('postgres'))('viaPostgres, when its server is another one all of a sudden', () => {
  const start = async (after: After): Promise<PostgresServer> => {
    const server = await PostgresServer.start();
    after(() => server.stop());
    return server;
  };
  /** How many rows were written in the last moment. */
  const fresh = async (server: PostgresServer): Promise<number> => {
    const { rows } = await server.run((client) =>
      client.query(
        "SELECT FROM peerage_nodes WHERE expires_at > clock_timestamp() + interval '500 milliseconds'",
      ),
    );
    return rows.length;
  };
  const areFresh = (server: PostgresServer, all: Runs) =>
    vi.waitFor(async () => expect(await fresh(server).catch(() => -1)).toBe(all.size), SOON);

  it.concurrent(
    'waits for one that starts, and for a standby until it is promoted',
    async ({ onTestFinished: after }) => {
      const server = await start(after);
      const all = runs(POSTGRES_KINDS, server.url, after);
      await areFresh(server, all);
      await server.becomeStandby('closed');
      await cannotBeAsked(all);
      const late = runs(POSTGRES_KINDS, server.url, after);
      const starting = /the database system is .*The server is starting, or recovers/;
      await eachOf(late, (run, kind) => expect(run.log[0], kind).toMatch(starting));
      await server.becomeStandby('readable');
      await eachOf(late, (run, kind) =>
        expect(run.log.at(-1), kind).toMatch(/read-only.*address of the primary|The server is starting/),
      );
      await server.run((client) => client.query('SELECT pg_promote()'));
      await areFresh(server, all);
      // One for the time in which it could not be asked; and one for that in which it could only be read, if it was read.
      const once = ['failed', 'recovered'];
      await eachOf(all, (run, kind) => {
        const words = told(run).map((line) => line.split(':')[0]);
        expect([once, [...once, ...once]], `${kind}: ${run.log.join('\n')}`).toContainEqual(words);
      });
    },
  );

  it.skipIf(!has('pgbouncer'))(
    'goes on when its pooler is started anew, and the server behind it',
    { concurrent: true },
    async ({ onTestFinished: after }) => {
      const server = await start(after);
      const bouncer = await PgBouncer.start(server.port);
      after(() => bouncer.stop());
      const all = runs(POSTGRES_KINDS, bouncer.url, after);
      await areFresh(server, all);
      await bouncer.kill();
      await cannotBeAsked(all);
      await bouncer.start();
      await areFresh(server, all);
      await eachOf(all, (run, kind) => expectOneWarning(run, kind, /server is up|another one is used/));
      await server.kill();
      await cannotBeAsked(all);
      await server.start();
      await areFresh(server, all);
      await eachOf(all, (run, kind) =>
        expect(told(run).slice(2), kind).toEqual([expect.anything(), 'recovered']),
      );
    },
  );
});
