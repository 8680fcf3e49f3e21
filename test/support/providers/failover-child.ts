import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDnsmasq } from './dnsmasq.js';
import { PostgresServer } from './postgres-server.js';
import { ProviderRun } from './provider-run.js';
import { RedisServer } from './redis-server.js';
import type { StoreProvider } from './store-providers.js';
import { POSTGRES_KINDS, REDIS_KINDS } from './store-providers.js';

const [OLD, NEW] = ['127.0.0.2', '127.0.0.3'] as const;
const NEWCOMER = 'kit@10.99.0.1';
const TTL_MS = 3_000;
const PATIENCE_MS = 40_000;

/** What became of one provider. Times from the failover on; undefined: not in time. */
export interface FailoverOutcome {
  readonly kind: string;
  /** Its entry is in the new store. */
  readonly enteredMs: number | undefined;
  /** It was notified of a new node there. */
  readonly notifiedMs: number | undefined;
  readonly log: readonly string[];
}

interface Store {
  readonly names: () => Promise<string[]>;
  /** Enters the newcomer, and notifies. */
  readonly enter: () => Promise<unknown>;
}

/**
 * In a network namespace whose name server is 127.0.0.1: `store.test` leads to another address all of a sudden, and the
 * old one is as a host without power: it says nothing any more. Prints a FailoverOutcome for each kind of provider.
 */
export async function main(): Promise<void> {
  const pointTo = (address: string) =>
    startDnsmasq(['local=/test/', `host-record=store.test,${address}`], { port: 53 });
  let nameserver = await pointTo(OLD);
  const [, redis] = await Promise.all([OLD, NEW].map((host) => RedisServer.start([], { host, port: 6_379 })));
  const [, postgres] = await Promise.all(
    [OLD, NEW].map((host) => PostgresServer.start({ host, port: 5_432 })),
  );
  const running = [
    ...runsOf(REDIS_KINDS, 'redis://store.test', redisStore(redis!)),
    ...runsOf(POSTGRES_KINDS, 'postgres://peerage@store.test/postgres', postgresStore(postgres!)),
  ];
  await until(() => running.every(({ run }) => run.polled?.length), PATIENCE_MS);
  for (const end of ['daddr', 'saddr']) block(end);
  await nameserver.stop();
  nameserver = await pointTo(NEW);
  const fromMs = performance.now();
  const outcomes = await Promise.all(running.map((one) => outcomeOf(one, fromMs)));
  process.stdout.write(`${JSON.stringify(outcomes)}\n`);
  await nameserver.stop();
}

interface Running {
  readonly kind: string;
  readonly name: string;
  readonly run: ProviderRun;
  readonly store: Store;
}

function runsOf(
  kinds: Readonly<Record<string, (url: string, ttlMs: number) => StoreProvider>>,
  url: string,
  store: Store,
): Running[] {
  return Object.entries(kinds).map(([kind, make], i) => {
    const name = `kit@10.98.0.${i + 1}`;
    return { kind, name, run: new ProviderRun(make(url, TTL_MS).provider, name), store };
  });
}

async function outcomeOf({ kind, name, run, store }: Running, fromMs: number): Promise<FailoverOutcome> {
  const isEntered = async () => (await store.names().catch((): string[] => [])).includes(name);
  const isNotified = async () => {
    await store.enter().catch(() => {});
    return run.found.includes(NEWCOMER);
  };
  const since = async (is: () => Promise<boolean>) =>
    (await until(is, PATIENCE_MS)) ? Math.round(performance.now() - fromMs) : undefined;
  const [enteredMs, notifiedMs] = [await since(isEntered), await since(isNotified)];
  await until(() => run.log.at(-1) === 'recovered', 5_000);
  return { kind, enteredMs, notifiedMs, log: run.log };
}

async function until(is: () => unknown, ms: number): Promise<boolean> {
  for (const endMs = performance.now() + ms; performance.now() < endMs; await sleep(200))
    if (await is()) return true;
  return false;
}

function redisStore(server: RedisServer): Store {
  return {
    names: async () =>
      (await server.run((redis) => redis.zrange('peerage:kit', 0, '-1'))).map(
        (member) => member.split(' ')[0]!,
      ),
    enter: () =>
      server.run(async (redis) => {
        await redis.zadd('peerage:kit', '+inf', NEWCOMER);
        await redis.publish('peerage:kit@0', NEWCOMER);
      }),
  };
}

function postgresStore(server: PostgresServer): Store {
  return {
    names: async () => {
      const { rows } = await server.run((client) => client.query('SELECT name FROM peerage_nodes'));
      return rows.map(({ name }) => String(name));
    },
    enter: () =>
      server.run(async (client) => {
        await client.query(
          "INSERT INTO peerage_nodes VALUES ('kit', 'newcomer', $1, 'infinity') ON CONFLICT DO NOTHING",
          [NEWCOMER],
        );
        await client.query("SELECT pg_notify('peerage:public.peerage_nodes', 'kit newcomer')");
      }),
  };
}

/** Nothing from or to the old address arrives any more, and nobody is told. */
function block(end: string): void {
  const nft = (...words: string[]) => execFileSync('nft', words);
  nft('add', 'table', 'ip', end);
  nft('add', 'chain', 'ip', end, 'in', '{ type filter hook input priority 0; }');
  nft('add', 'rule', 'ip', end, 'in', 'ip', end, OLD, 'drop');
}
