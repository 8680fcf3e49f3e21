import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { PgPool } from '../../../../lib/via/postgres/pg-types.js';
import { localAddressOf } from '../../../../lib/via/postgres/in-time.js';
import { givenIoredis } from '../../../../lib/via/redis/ioredis-port.js';
import type { IoredisClient, RedisPort } from '../../../../lib/via/redis/redis-port.js';
import { RedisRegistry } from '../../../../lib/via/redis/redis-registry.js';
import type { AdvisedContext, WarnedPoll } from '../../../../lib/via/registry/own-address.js';
import type { Registry } from '../../../../lib/via/registry/registry.js';
import { SharedResource } from '../../../../lib/via/registry/shared-resource.js';
import { viaRegistry } from '../../../../lib/via/registry/via-registry.js';
import { RegistrySession } from '../../../../lib/via/registry/registry-session.js';

const TTL_MS = 30_000;
const { signal } = new AbortController();
const ours = { name: 'sa@10.0.2.15', host: '10.0.2.15', port: 4_370, bootId: 'a'.repeat(32), meta: {} };
const theirs = 'b'.repeat(32);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Two live nodes of one name in a store; the mesh takes the address that it is advised, or keeps the given one. */
async function twoOfOneName({
  isGiven = false,
  movesAtOnce = false,
  ownAddress = async (): Promise<string> => '10.78.0.5',
}) {
  const written: string[] = [];
  const warnings: string[] = [];
  const ended = new AbortController();
  let self = ours;
  const registry: Registry = {
    register: async ({ name }) => void written.push(name),
    entries: async () => [
      { name: movesAtOnce && written.length > 1 ? 'sa@10.78.0.6' : ours.name, bootId: theirs },
      { name: self.name, bootId: self.bootId },
    ],
    ownAddress,
    leave: async () => {},
    listen: (_self, until) =>
      new Promise((resolve) => until.addEventListener('abort', () => resolve(), { once: true })),
    close: async () => {},
  };
  const context: AdvisedContext = {
    get self() {
      return self;
    },
    signal: ended.signal,
    found: () => {},
    warn: (message) => void warnings.push(message),
    addressTaken: (host) => {
      if (!isGiven) self = { ...self, name: `sa@${host}`, host };
    },
  };
  const running = new RegistrySession(registry, context, TTL_MS).run();
  await vi.advanceTimersByTimeAsync(TTL_MS);
  const early = { names: new Set(written), warnings: [...warnings] };
  await vi.advanceTimersByTimeAsync(TTL_MS);
  ended.abort();
  await vi.runAllTimersAsync();
  await running;
  return { early, names: [...new Set(written)], warnings };
}

it('a node whose name another live one has takes the address from which the store is reached', async () => {
  const { early, names, warnings } = await twoOfOneName({});
  expect(early).toEqual({ names: new Set([ours.name]), warnings: [] });
  expect(names).toEqual([ours.name, 'sa@10.78.0.5']);
  expect(warnings).toEqual([]);
});

it('takes it as well when the other one has moved before', async () => {
  expect((await twoOfOneName({ movesAtOnce: true })).early).toEqual({
    names: new Set([ours.name, 'sa@10.78.0.5']),
    warnings: [],
  });
  const given = await twoOfOneName({ movesAtOnce: true, isGiven: true });
  expect([given.names, given.warnings]).toEqual([[ours.name], []]);
});

it.each([
  ['was given', { isGiven: true }],
  ['is the only one that leads to the store', { ownAddress: async () => ours.host }],
  [
    'is all that is known',
    {
      ownAddress: async () => {
        throw new Error('unknown command');
      },
    },
  ],
])('says once that two have one name when the address %s', async (_how, options) => {
  const { early, names, warnings } = await twoOfOneName(options);
  expect(early.warnings).toEqual([]);
  expect(names).toEqual([ours.name]);
  expect(warnings).toHaveLength(1);
  for (const part of [ours.name, ours.bootId, theirs, 'PEERAGE_HOST']) expect(warnings[0]).toContain(part);
});

/** A server that answers in words. */
function port(answers: Record<string, unknown>, localAddress?: string) {
  const said: string[] = [];
  const one: RedisPort = {
    ready: async () => {},
    command: async (...words) => {
      said.push(words.join(' '));
      return answers[words.join(' ')] ?? answers[words[0]] ?? 1;
    },
    listen: async () => {},
    scope: { database: 0, keyPrefix: '' },
    isGiven: false,
    localAddress,
    renew: () => {},
    close: () => {},
  };
  return { said, registry: new RedisRegistry(one, undefined, TTL_MS) };
}

it.each([
  ['10.78.0.5', 'id=3 addr=10.78.0.5:51234 laddr=10.78.0.254:6379 fd=8'],
  ['fd77::5', 'id=3 addr=[fd77::5]:51234 laddr=[fd77::1]:6379 fd=8'],
  [undefined, 'OK'],
])('Redis tells from where it is called, %s', async (address, answer) => {
  const { registry } = port({ 'CLIENT INFO': answer });
  expect(await registry.ownAddress(signal)).toBe(address);
});

it('the entry of Redis under the name that a node had before goes with it', async () => {
  const { said, registry } = port({ TIME: ['1', '0'] }, '10.78.0.5');
  expect(await registry.ownAddress(signal)).toBe('10.78.0.5');
  await registry.register(ours, signal);
  await registry.register({ ...ours, name: 'sa@10.78.0.5' }, signal);
  await registry.leave({ ...ours, name: 'sa@10.78.0.6' }, signal);
  expect(said.filter((words) => words.startsWith('ZREM '))).toEqual([
    `ZREM peerage:sa ${ours.name} ${ours.bootId}`,
    `ZREM peerage:sa sa@10.78.0.5 ${ours.bootId}`,
    `ZREM peerage:sa sa@10.78.0.6 ${ours.bootId}`,
  ]);
});

it('the clients of ioredis and pg tell their own end of the connection', async () => {
  const stream = { localAddress: '10.78.0.5' };
  const cluster = { isCluster: true, nodes: () => [{ stream: undefined }, { stream }] };
  const tell = (client: object) => givenIoredis(client as unknown as IoredisClient).localAddress;
  expect([{ stream }, cluster, {}, { isCluster: true }].map(tell)).toEqual([
    '10.78.0.5',
    '10.78.0.5',
    undefined,
    undefined,
  ]);
  const released: unknown[] = [];
  const pool = (connection?: object): PgPool => ({
    options: {},
    connect: (taken) =>
      taken(undefined, {
        ...(connection && { connection }),
        query: async () => ({ rows: [] }),
        release: (close) => void released.push(close),
        on: () => {},
        off: () => {},
      }),
  });
  expect(await localAddressOf(pool({ stream }), 1_000)).toBe('10.78.0.5');
  expect(await localAddressOf(pool(), 1_000)).toBeUndefined();
  expect(released).toEqual([undefined, undefined]);
});

it.each([
  ['one of each name', [ours.bootId], false],
  ['two of one name', [ours.bootId, theirs], true],
  ['one, and a bare name', [ours.bootId, undefined], false],
])('who looks from outside is told of two of one name: %s', async (_what, bootIds, isTold) => {
  const registry = {
    entries: async () => [
      ...bootIds.map((bootId) => ({ name: ours.name, bootId })),
      { name: 'sa@10.78.0.9', bootId: theirs },
    ],
    close: async () => {},
  } as unknown as Registry;
  const provider = viaRegistry(
    'redis',
    new SharedResource(
      async () => registry,
      async () => {},
    ),
    TTL_MS,
  );
  const warnings: string[] = [];
  const context: WarnedPoll = {
    self: { ...ours, name: 'sa@127.0.0.1:1', bootId: 'c'.repeat(32) },
    signal,
    warn: (message) => void warnings.push(message),
  };
  expect(await provider.poll(context)).toEqual([ours.name, 'sa@10.78.0.9']);
  expect(warnings).toEqual(
    isTold ? [expect.stringMatching(/registered as sa@10\.0\.2\.15: .*PEERAGE_HOST/)] : [],
  );
});
