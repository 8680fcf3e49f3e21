import { lookup } from 'node:dns/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PollContext } from '../../../../lib/via/provider.js';
import type { ViaDnsOptions } from '../../../../lib/via/dns/via-dns.js';
import { viaDns } from '../../../../lib/via/dns/via-dns.js';

vi.mock('node:dns/promises', async (original) => ({
  ...(await original<typeof import('node:dns/promises')>()),
  lookup: vi.fn<() => Promise<unknown>>(),
}));

const lookups = vi.mocked(lookup as (...args: unknown[]) => Promise<unknown>);
afterEach(() => lookups.mockReset());

const failure = (code: string) => Object.assign(new Error(`getaddrinfo ${code} app`), { code });
const found = (...addresses: string[]) =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

function context(name = 'app@10.0.0.9', port = 4370, signal = new AbortController().signal): PollContext {
  return { self: { name, port, host: '10.0.0.9', bootId: '', meta: {} }, signal };
}

describe('names made of addresses', () => {
  const namesAt = async (address: string, options: ViaDnsOptions, self = context()) => {
    lookups.mockResolvedValue(found(address));
    return viaDns(options).poll(self);
  };

  it('have the app name and the port of this node', async () => {
    expect(await namesAt('10.0.0.1', {})).toEqual(['app@10.0.0.1']);
    expect(await namesAt('10.0.0.1', {}, context('x@10.0.0.9:5000', 5000))).toEqual(['x@10.0.0.1:5000']);
    expect(await namesAt('fd00::1', {}, context('x@h:5000', 5000))).toEqual(['x@[fd00::1]:5000']);
  });

  it('have the app name and the port of the options', async () => {
    expect(await namesAt('127.0.0.1', { appName: 'y', port: 7 }, context('x@h:5000', 5000))).toEqual([
      'y@127.0.0.1:7',
    ]);
  });

  it('are listed at the default port too on loopback: the first process of a host is there', async () => {
    expect(await namesAt('127.0.0.1', {}, context('x@h:5000', 5000))).toEqual([
      'x@127.0.0.1:5000',
      'x@127.0.0.1',
    ]);
    expect(await namesAt('::1', {}, context('x@h:5000', 5000))).toEqual(['x@[::1]:5000', 'x@[::1]']);
    expect(await namesAt('127.0.0.1', {})).toEqual(['app@127.0.0.1']);
  });
});

describe('the lookup of the system', () => {
  it('takes a name that does not exist for an empty answer', async () => {
    lookups.mockRejectedValue(failure('ENOTFOUND'));
    expect(await viaDns({ dnsName: 'app' }).poll(context())).toEqual([]);
  });

  it('fails, and says why, when the name servers failed', async () => {
    lookups.mockRejectedValue(failure('EAI_AGAIN'));
    const poll = async () => viaDns({ dnsName: 'app' }).poll(context());
    await expect(poll()).rejects.toMatchObject({ code: 'PROVIDER_FAILED', cause: { code: 'EAI_AGAIN' } });
    await expect(poll()).rejects.toThrow(/"app".*SERVFAIL.*resolv\.conf/);
  });

  it('asks for a record type by itself before it believes that all its addresses are gone', async () => {
    const provider = viaDns({ dnsName: 'app' });
    lookups.mockResolvedValueOnce(found('10.0.0.1', 'fd00::1'));
    expect(await provider.poll(context())).toEqual(['app@10.0.0.1', 'app@[fd00::1]']);

    lookups.mockResolvedValueOnce(found('fd00::1')).mockRejectedValueOnce(failure('EAI_AGAIN'));
    expect(await provider.poll(context())).toEqual(['app@10.0.0.1', 'app@[fd00::1]']);
    expect(lookups).toHaveBeenLastCalledWith('app', { all: true, family: 4 });

    lookups.mockResolvedValueOnce(found('fd00::1')).mockRejectedValueOnce(failure('ENOTFOUND'));
    expect(await provider.poll(context())).toEqual(['app@[fd00::1]']);

    lookups.mockResolvedValueOnce(found('fd00::1'));
    expect(await provider.poll(context())).toEqual(['app@[fd00::1]']);
    expect(lookups).toHaveBeenCalledTimes(6);
  });

  it('fails when the name seems gone and a record type that it had cannot be asked for', async () => {
    const provider = viaDns({ dnsName: 'app' });
    lookups.mockResolvedValueOnce(found('10.0.0.1'));
    await provider.poll(context());
    lookups.mockRejectedValueOnce(failure('ENOTFOUND')).mockRejectedValueOnce(failure('EAI_AGAIN'));
    await expect(provider.poll(context())).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN'])(
    'asks for each record type by itself when the common question says %s, as musl does for one that is missing',
    async (code) => {
      lookups
        .mockRejectedValueOnce(failure(code))
        .mockResolvedValueOnce(found('10.0.0.1', '10.0.0.2'))
        .mockRejectedValueOnce(failure(code));
      expect(await viaDns({ dnsName: 'app' }).poll(context())).toEqual(['app@10.0.0.1', 'app@10.0.0.2']);
      expect(lookups.mock.calls.map(([, options]) => (options as { family: number }).family)).toEqual([
        0, 4, 6,
      ]);
    },
  );

  it('is never under way twice: polls join the one that hangs', async () => {
    let answer: (value: unknown) => void = () => {};
    lookups.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const provider = viaDns({ dnsName: 'app' });
    const aborter = new AbortController();
    const aborted = provider.poll(context('app@h', 4370, aborter.signal));
    const joined = provider.poll(context());
    aborter.abort(new DOMException('too long', 'TimeoutError'));
    await expect(aborted).rejects.toMatchObject({ code: 'PROVIDER_TIMEOUT' });
    expect(lookups).toHaveBeenCalledTimes(1);
    answer(found('10.0.0.1'));
    expect(await joined).toEqual(['app@10.0.0.1']);

    lookups.mockResolvedValueOnce(found('10.0.0.2'));
    expect(await provider.poll(context())).toEqual(['app@10.0.0.2']);
  });

  it('is given up at once when the signal has aborted', async () => {
    lookups.mockResolvedValue(found('10.0.0.1'));
    const signal = AbortSignal.abort();
    await expect(viaDns().poll(context('a@h', 4370, signal))).rejects.toMatchObject({ code: 'ABORTED' });
    for (const options of [{ nameservers: ['127.0.0.1'] }, { srv: true }]) {
      await expect(viaDns(options).poll(context('a@h', 4370, signal))).rejects.toMatchObject({
        code: 'ABORTED',
      });
    }
  });
});

describe('options', () => {
  it.each<ViaDnsOptions>([
    {},
    { dnsName: 'a.b-c.d_e.' },
    { dnsName: '_peerage._tcp.app', srv: true },
    { dnsName: '10.0.0.1' },
    { dnsName: '::1' },
    { nameservers: ['127.0.0.1', '127.0.0.1:5353', '[::1]:53', '::1'] },
    { appName: 'ünicode', port: 65_535, family: 6 },
  ])('%o are fine', (options) => {
    expect(() => viaDns(options)).not.toThrow();
  });

  it.each<[unknown, RegExp]>([
    [{ dnsName: '' }, /dnsName/],
    [{ dnsName: 'a b' }, /dnsName/],
    [{ dnsName: 'http://app' }, /dnsName/],
    [{ dnsName: 7 }, /dnsName/],
    [{ dnsName: 'a..b' }, /dnsName/],
    [{ dnsName: '.a' }, /dnsName/],
    [{ dnsName: `${'a'.repeat(64)}.test` }, /dnsName/],
    [{ dnsName: 'a.'.repeat(128) }, /dnsName/],
    [{ dnsName: 'myapp:4371' }, /"myapp:4371" is not a host name; give the port as an option, port: 4371/],
    [{ dnsName: 'bücher.example' }, /write it as xn--bcher-kva\.example/],
    [{ appName: 'a@b' }, /appName/],
    [{ appName: '' }, /appName/],
    [{ port: 0 }, /port/],
    [{ port: 70_000 }, /port/],
    [{ family: 5 }, /family/],
    [{ nameservers: [] }, /nameservers/],
    [{ nameservers: ['dns.test'] }, /nameservers: "dns\.test" is no IP address/],
    [
      { nameservers: ['10.0.0.1:0'] },
      /nameservers: "10\.0\.0\.1:0" is no IP address, with :port \(1 to 65535\)/,
    ],
    [
      { nameservers: ['10.0.0.1:00', '10.0.0.1:99999', '[::1]:0', '[::1', '::1:53x'] },
      /"10\.0\.0\.1:00" .*"10\.0\.0\.1:99999" .*"\[::1\]:0" .*"\[::1" .*"::1:53x" /s,
    ],
    [{ nameservers: [null, 53] as never }, /what is a object is no IP address.*what is a number/s],
    [{ nameservers: '127.0.0.1' }, /nameservers/],
    [{ port: 0, family: 5, appName: '' }, /appName.*port.*family/],
  ])('%o are refused', (options, message) => {
    const make = () => viaDns(options as ViaDnsOptions);
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(make).toThrow(message);
  });
});
