import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { namesBySrv } from '../../../../lib/via/dns/dns-srv.js';

/** How the name servers answer for a target: with an address, or never. */
const addresses = new Map<string, string>();
const records: { name: string; port: number }[] = [];
const asked = { pending: 0, most: 0, all: 0 };

vi.mock('node:dns/promises', () => ({
  Resolver: class {
    private readonly waiting = new Set<(error: Error) => void>();
    setServers = () => undefined;
    /** As the real one: it rejects a turn later. */
    cancel = () => void setImmediate(() => this.waiting.forEach((reject) => reject(new Error('ECANCELLED'))));
    resolveSrv = async () => records;
    resolve4 = (name: string) => {
      const address = addresses.get(name);
      asked.all += 1;
      asked.most = Math.max(asked.most, (asked.pending += 1));
      return new Promise((resolve, reject) => {
        if (address !== undefined) resolve([{ address, ttl: 1 }]);
        else this.waiting.add(reject);
      }).finally(() => (asked.pending -= 1));
    };
  },
}));

const question = {
  dnsName: '_peerage._tcp.app.test',
  app: 'app',
  family: 4,
  nameservers: ['127.0.0.1'],
} as const;

describe('200 targets of SRV records', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    addresses.clear();
    records.length = 0;
    for (let i = 0; i < 200; i++) records.push({ name: `n${i}.test`, port: 4001 });
    Object.assign(asked, { pending: 0, most: 0, all: 0 });
  });
  afterEach(() => void vi.useRealTimers());

  async function polled(forMs: number) {
    const startedMs = performance.now();
    const poll = namesBySrv(question, new AbortController().signal).then((names) => ({
      names,
      tookMs: performance.now() - startedMs,
    }));
    await vi.advanceTimersByTimeAsync(forMs);
    return poll;
  }

  it('that are never answered for stay host names, soon enough for a poll, and leave no question behind', async () => {
    for (let poll = 0; poll < 3; poll++) {
      const { names, tookMs } = await polled(5_000);
      expect(tookMs).toBeLessThan(4_000);
      expect(names).toEqual(records.map(({ name }) => `app@${name}:4001`));
      expect(asked.pending).toBe(0);
    }
    expect(asked.all).toBe(3 * 200);
  });

  it('have their addresses, in order, though most are never answered for', async () => {
    records.forEach(({ name }, i) => i % 4 === 0 && addresses.set(name, `10.0.0.${i}`));
    const { names } = await polled(5_000);
    expect(names).toEqual(records.map(({ name }, i) => `app@${i % 4 === 0 ? `10.0.0.${i}` : name}:4001`));
  });

  it('are asked for some at a time, and when there are thousands not all', async () => {
    for (let i = 200; i < 5_000; i++) records.push({ name: `n${i}.test`, port: 4001 });
    const poll = polled(5_000);
    expect(asked.most).toBeLessThanOrEqual(64);
    expect((await poll).names).toHaveLength(5_000);
    expect(asked.all).toBeLessThanOrEqual(5 * 64);
  });

  it('are what a poll says that it waited for, when it is told to end', async () => {
    const aborter = new AbortController();
    const poll = namesBySrv(question, aborter.signal);
    await vi.advanceTimersByTimeAsync(400);
    aborter.abort(new DOMException('too late', 'TimeoutError'));
    await expect(poll).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
      message: expect.stringContaining('"_peerage._tcp.app.test" (its 200 targets) did not end in time'),
    });
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toMatchObject({ pending: 0, all: 64 });
  });
});
