import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PollContext } from '../../lib/via/provider.js';
import type { ViaDnsOptions } from '../../lib/via/dns/via-dns.js';
import { viaDns } from '../../lib/via/dns/via-dns.js';
import type { Dnsmasq } from '../support/providers/dnsmasq.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import { FakeNameserver } from '../support/providers/nameserver.js';
import { has } from '../support/requirements.mjs';

const self = { name: 'app@10.0.0.9:4001', port: 4_001, host: '10.0.0.9', bootId: '', meta: {} };

function context(signal = new AbortController().signal): PollContext {
  return { self, signal };
}

const sorted = (names: Iterable<string>) => [...names].sort();

describe.skipIf(!has('dnsmasq'))('viaDns with name servers of its own', () => {
  let dnsmasq: Dnsmasq;
  const poll = async (options: ViaDnsOptions) =>
    sorted(await viaDns({ nameservers: [dnsmasq.address], ...options }).poll(context()));

  beforeAll(async () => {
    const many = Array.from({ length: 300 }, (_, i) => `host-record=many.test,10.1.${i >> 8}.${i & 255}`);
    dnsmasq = await startDnsmasq([
      'local=/test/',
      'host-record=app.test,10.0.0.1,fd00::1',
      'host-record=app.test,10.0.0.2',
      'host-record=old.test,10.0.0.3',
      'srv-host=_peerage._tcp.app.test,app.test,4001',
      'srv-host=_peerage._tcp.app.test,old.test,4002',
      'srv-host=_peerage._tcp.app.test,gone.test,4003',
      'srv-host=_peerage._tcp.app.test,10.0.0.7,4004',
      'srv-host=_none._tcp.app.test',
      ...many,
    ]);
  });
  afterAll(() => dnsmasq?.stop());

  it('finds every A and AAAA record', async () => {
    expect(await poll({ dnsName: 'app.test' })).toEqual([
      'app@10.0.0.1:4001',
      'app@10.0.0.2:4001',
      'app@[fd00::1]:4001',
    ]);
  });

  it('finds one family only when told so', async () => {
    expect(await poll({ dnsName: 'app.test', family: 4 })).toHaveLength(2);
    expect(await poll({ dnsName: 'app.test', family: 6 })).toEqual(['app@[fd00::1]:4001']);
    expect(await poll({ dnsName: 'old.test', family: 6 })).toEqual([]);
  });

  it('finds all of 300 addresses, which fit into no datagram', async () => {
    expect(new Set(await poll({ dnsName: 'many.test' })).size).toBe(300);
  });

  it('answers nothing for a name that does not exist, and applies no search domain', async () => {
    expect(await poll({ dnsName: 'nosuch.test' })).toEqual([]);
    expect(await poll({ dnsName: '_nosuch._tcp.app.test', srv: true })).toEqual([]);
  });

  it('reads host and port from SRV records, and keeps a target without address as host name', async () => {
    expect(await poll({ dnsName: '_peerage._tcp.app.test', srv: true, appName: 'x' })).toEqual([
      'x@10.0.0.1:4001',
      'x@10.0.0.2:4001',
      'x@10.0.0.3:4002',
      'x@10.0.0.7:4004',
      'x@[fd00::1]:4001',
      'x@gone.test:4003',
    ]);
  });

  it('takes the SRV record that says "no such service" for an empty answer', async () => {
    expect(await poll({ dnsName: '_none._tcp.app.test', srv: true })).toEqual([]);
  });

  it('fails when the server refuses to answer', async () => {
    await expect(poll({ dnsName: 'example.invalid' })).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
      cause: { code: 'EREFUSED' },
    });
    await expect(poll({ dnsName: '_x._tcp.example.invalid', srv: true })).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
    });
  });

  it('fails when nobody listens there', async () => {
    await expect(poll({ dnsName: 'app.test', nameservers: ['127.0.0.1:1'] })).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
      cause: { code: 'ECONNREFUSED' },
    });
  });
});

describe('viaDns with a name server that fails', () => {
  let server: FakeNameserver;
  beforeEach(async () => {
    server = await FakeNameserver.start();
  });
  afterEach(() => server.stop());
  const provider = () => viaDns({ dnsName: 'app.test', nameservers: [server.address] });

  it('fails on SERVFAIL', async () => {
    server.replies = { A: 'SERVFAIL', AAAA: 'SERVFAIL' };
    await expect(provider().poll(context())).rejects.toMatchObject({
      code: 'PROVIDER_FAILED',
      cause: { code: 'ESERVFAIL' },
    });
  });

  it('fails when one record type fails and the other has nothing', async () => {
    server.replies = { A: 'SERVFAIL', AAAA: 'NODATA' };
    await expect(provider().poll(context())).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
  });

  it('loses no name while one record type fails and the other answers', async () => {
    const dns = provider();
    server.replies = { A: ['10.0.0.1'], AAAA: ['fd00:0:0:0:0:0:0:1'] };
    expect(await dns.poll(context())).toEqual(['app@10.0.0.1:4001', 'app@[fd00::1]:4001']);
    server.replies = { A: 'SERVFAIL', AAAA: ['fd00:0:0:0:0:0:0:2'] };
    expect(await dns.poll(context())).toEqual(['app@10.0.0.1:4001', 'app@[fd00::2]:4001']);
    server.replies = { A: 'NODATA', AAAA: ['fd00:0:0:0:0:0:0:2'] };
    expect(await dns.poll(context())).toEqual(['app@[fd00::2]:4001']);
  });

  it('says that it timed out when the server is silent', async () => {
    server.replies = { A: 'silence', AAAA: 'silence' };
    await expect(provider().poll(context())).rejects.toMatchObject({
      code: 'PROVIDER_TIMEOUT',
      cause: { code: 'ETIMEOUT' },
    });
    expect(server.questionsAtMs.length).toBeGreaterThan(2);
  });

  it('ends its questions when the signal aborts', async () => {
    server.replies = { A: 'silence', AAAA: 'silence' };
    const aborter = new AbortController();
    const polling = Promise.resolve(provider().poll(context(aborter.signal)));
    const reason = new DOMException('too long', 'TimeoutError');
    setTimeout(() => aborter.abort(reason), 100);
    const startedAt = performance.now();
    await expect(polling).rejects.toMatchObject({ code: 'PROVIDER_TIMEOUT', cause: reason });
    // Left alone it gives up after the first try of 1 s and the second one.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
