import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { viaDns, viaFile, viaLocal, viaUdp } from '../../lib/index.js';
import { viaKubernetes } from '../../lib/via/kubernetes/index.js';
import { viaPostgres } from '../../lib/via/postgres/index.js';
import { viaRedis } from '../../lib/via/redis/index.js';
import type { PeerageProvider } from '../../lib/via/provider.js';
import { FakeKubeApi, slice } from '../support/providers/kube-api.js';
import { FakeNameserver } from '../support/providers/nameserver.js';
import { PostgresServer } from '../support/providers/postgres-server.js';
import { RedisServer } from '../support/providers/redis-server.js';
import { has } from '../support/requirements.mjs';
import { hangingOn } from '../support/processes/signal-load.js';
import { freeUdpPort, GROUP } from '../support/providers/udp.js';

const POLLS = 30;
const self = { name: 'kit@10.0.0.9', bootId: 'f'.repeat(32), host: '10.0.0.9', port: 4_370, meta: {} };

const ends: (() => unknown)[] = [];
let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'via-signals-'))));
afterAll(async () => {
  for (const end of ends.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

async function viaNameservers(srv: boolean): Promise<PeerageProvider> {
  const server = await FakeNameserver.start();
  ends.push(() => server.stop());
  server.replies.A = ['10.0.0.1'];
  return viaDns({ dnsName: 'kit.test', nameservers: [server.address], srv });
}

async function viaWatch(): Promise<PeerageProvider> {
  const api = await FakeKubeApi.start();
  ends.push(() => api.stop());
  api.put('endpointslices', slice('web-1', ['10.0.0.1']));
  // A watch that ends is begun again, after a while.
  api.maxWatchMs = 600;
  return viaKubernetes({ server: api.url, service: 'web', accountFolder: api.accountFolder });
}

async function viaOwnRedis(): Promise<PeerageProvider> {
  const server = await RedisServer.start();
  ends.push(() => server.stop());
  return viaRedis({ url: server.url, ttlMs: 1_000 });
}

async function viaOwnPostgres(): Promise<PeerageProvider> {
  const server = await PostgresServer.start();
  ends.push(() => server.stop());
  return viaPostgres({ url: server.url, ttlMs: 1_000 });
}

function viaPeersFile(): PeerageProvider {
  const file = join(folder, 'peers.txt');
  writeFileSync(file, 'kit@10.0.0.1\n');
  return viaFile(file);
}

const providers: [string, boolean, () => PeerageProvider | Promise<PeerageProvider>][] = [
  ['viaDns, by the system', true, () => viaDns()],
  ['viaDns, by name servers', true, () => viaNameservers(false)],
  ['viaDns, by SRV records', true, () => viaNameservers(true)],
  ['viaFile', true, viaPeersFile],
  ['viaLocal', true, () => viaLocal({ dir: join(folder, 'local') })],
  ['viaUdp', true, async () => viaUdp({ port: await freeUdpPort(), multicastAddr: GROUP, ip: '127.0.0.1' })],
  ['viaRedis', has('redis-server'), viaOwnRedis],
  ['viaPostgres', has('postgres'), viaOwnPostgres],
  ['viaKubernetes', has('openssl'), viaWatch],
];

describe.concurrent('a signal that lives as long as the app', () => {
  for (const [title, isHere, make] of providers)
    it.skipIf(!isHere)(`gets no heavier by ${title}`, async ({ expect: expectHere }) => {
      const provider = await make();
      const aborter = new AbortController();
      const { signal } = aborter;
      const poll = async () => provider.poll({ self, signal });
      const serving = provider.serve?.({ self, signal, found: () => {} });
      try {
        await vi.waitFor(poll, 10_000);
        // What serves has begun, and does what it does again and again.
        await sleepUnlessIdle(serving);
        const before = hangingOn(signal);
        for (let i = 0; i < POLLS; i += 1) await poll();
        await sleepUnlessIdle(serving);
        expectHere(hangingOn(signal)).toBeLessThanOrEqual(before + 2);
      } finally {
        aborter.abort();
        await serving;
      }
      expectHere(hangingOn(signal)).toBe(0);
    });
});

describe('what the tests above count', () => {
  it('are listeners, and signals made of it', () => {
    const { signal } = new AbortController();
    expect(hangingOn(signal)).toBe(0);
    signal.addEventListener('abort', () => {});
    const made = [AbortSignal.any([signal]), AbortSignal.any([signal])];
    expect(made).toHaveLength(2);
    expect(hangingOn(signal)).toBe(3);
  });
});

/** Several rounds of a provider that serves. */
function sleepUnlessIdle(serving: Promise<void> | undefined): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, serving ? 3_000 : 0));
}
