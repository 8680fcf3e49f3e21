import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it, vi } from 'vitest';
import type { PeerageProvider } from '../../lib/via/provider.js';
import { viaDns } from '../../lib/via/dns/via-dns.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import type { Reply } from '../support/providers/nameserver.js';
import { FakeNameserver } from '../support/providers/nameserver.js';
import { has } from '../support/requirements.mjs';

const self = { name: 'app@10.0.0.9', port: 4_370, host: '10.0.0.9', bootId: '', meta: {} };
/** However short the TTL. */
const LEAST_MS = 2_000;
/** Timers and clocks are not as exact as that. */
const SLACK_MS = 50;

/** Hands over what is to be done when the test is over. */
type AtEnd = (end: () => void | Promise<void>) => void;

async function startServer(atEnd: AtEnd, ttl: number, A: Reply = ['10.0.0.1']): Promise<FakeNameserver> {
  const server = await FakeNameserver.start();
  atEnd(() => server.stop());
  Object.assign(server, { ttl, replies: { A, AAAA: 'NODATA' } });
  return server;
}

/** Serves a provider, as the module does it, until the test ends. */
function serve(atEnd: AtEnd, provider: PeerageProvider): string[] {
  const found: string[] = [];
  const aborter = new AbortController();
  const serving = provider.serve!({ self, signal: aborter.signal, found: (names) => found.push(...names) });
  atEnd(async () => {
    aborter.abort();
    await serving;
  });
  return found;
}

const viaNameserver = (address: string) => viaDns({ dnsName: 'app.test', family: 4, nameservers: [address] });
const poll = async (provider: PeerageProvider) =>
  provider.poll({ self, signal: new AbortController().signal });
const gaps = (times: readonly number[]) => times.slice(1).map((time, i) => time - times[i]!);

// They wait more than they work.
describe.concurrent('viaDns, whose answer has a TTL,', () => {
  it('asks again when it is over, and hands over what is new', async ({ expect, onTestFinished: atEnd }) => {
    const server = await startServer(atEnd, 3);
    const provider = viaNameserver(server.address);
    const found = serve(atEnd, provider);
    expect(await poll(provider)).toEqual(['app@10.0.0.1']);
    server.replies.A = ['10.0.0.1', '10.0.0.2'];
    await vi.waitFor(() => expect(found).toEqual(['app@10.0.0.2']), 10_000);
    expect(server.questionsAtMs).toHaveLength(2);
    expect(gaps(server.questionsAtMs)[0]).toBeGreaterThanOrEqual(3_000 - SLACK_MS);
  });

  it('leaves the question to polls that come sooner', async ({ expect, onTestFinished: atEnd }) => {
    const server = await startServer(atEnd, 3);
    const provider = viaNameserver(server.address);
    serve(atEnd, provider);
    for (let polls = 0; polls < 5; polls += 1) {
      await poll(provider);
      await sleep(1_000);
    }
    expect(server.questionsAtMs).toHaveLength(5);
  });

  it('asks every two seconds at most when the answer may not be kept at all', async ({
    expect,
    onTestFinished: atEnd,
  }) => {
    const server = await startServer(atEnd, 0);
    const provider = viaNameserver(server.address);
    serve(atEnd, provider);
    await poll(provider);
    await vi.waitFor(() => expect(server.questionsAtMs.length).toBeGreaterThanOrEqual(3), 15_000);
    expect(Math.min(...gaps(server.questionsAtMs))).toBeGreaterThanOrEqual(LEAST_MS - SLACK_MS);
  });

  it.for<Reply>(['NXDOMAIN', 'NODATA', 'SERVFAIL'])(
    'leaves %s, which has none, to the polls',
    async (A, { expect, onTestFinished: atEnd }) => {
      const server = await startServer(atEnd, 0, A);
      const provider = viaNameserver(server.address);
      const found = serve(atEnd, provider);
      await poll(provider).catch(() => {});
      const asked = server.questionsAtMs.length;
      await sleep(1.5 * LEAST_MS);
      expect(server.questionsAtMs).toHaveLength(asked);
      server.replies.A = ['10.0.0.1'];
      await poll(provider);
      server.replies.A = ['10.0.0.2'];
      await vi.waitFor(() => expect(found).toEqual(['app@10.0.0.2']), 10_000);
    },
  );

  it('can be served again, and sleeps meanwhile', async ({ expect, onTestFinished: atEnd }) => {
    const server = await startServer(atEnd, 60);
    const provider = viaNameserver(server.address);
    for (let run = 0; run < 2; run += 1) {
      const aborter = new AbortController();
      const serving = provider.serve!({ self, signal: aborter.signal, found: () => {} });
      const { user } = process.cpuUsage();
      await sleep(200);
      expect(process.cpuUsage().user - user).toBeLessThan(150_000);
      aborter.abort();
      await serving;
    }
  });

  it.skipIf(!has('dnsmasq'))(
    'finds a new node when the cache in between lets go of the old answer',
    async ({ expect, onTestFinished: atEnd }) => {
      const server = await startServer(atEnd, 4);
      const [address, port] = server.address.split(':');
      const cache = await startDnsmasq([`server=${address}#${port}`, 'cache-size=100']);
      atEnd(() => cache.stop());
      await poll(viaNameserver(cache.address));
      await sleep(2_000);
      // Half of the TTL is over when this node hears the answer.
      const provider = viaNameserver(cache.address);
      const found = serve(atEnd, provider);
      const heardAtMs = performance.now();
      expect(await poll(provider)).toEqual(['app@10.0.0.1']);
      server.replies.A = ['10.0.0.1', '10.0.0.2'];
      await vi.waitFor(() => expect(found).toEqual(['app@10.0.0.2']), 10_000);
      expect(performance.now() - heardAtMs).toBeLessThan(4_000);
      expect(server.questionsAtMs).toHaveLength(2);
    },
  );
});
