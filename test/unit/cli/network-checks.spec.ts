import { lookup } from 'node:dns/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { checkDns } from '../../../lib/cli/doctor/network-checks.js';

/** What each record type of a name is; a name that is not here does not exist. */
const records = new Map<string, unknown[]>();
const servers: unknown[] = [];

vi.mock('node:dns/promises', () => {
  const answer = async (type: string, name: string) => {
    const found = records.get(`${type} ${name}`);
    if (found) return found;
    throw Object.assign(new Error(`query ${name}`), { code: 'ENOTFOUND' });
  };
  class Resolver {
    setServers = (list: unknown) => void servers.push(list);
    cancel = () => undefined;
    resolve4 = (name: string) => answer('A', name);
    resolve6 = (name: string) => answer('AAAA', name);
    resolveSrv = (name: string) => answer('SRV', name);
  }
  return { Resolver, lookup: vi.fn<typeof lookup>((name: string) => answer('system', name) as never) };
});

const brief = async (url: string) => (await checkDns(url)).map(({ result, says }) => `${result}: ${says}`);

describe('what doctor says of a name', () => {
  beforeEach(() => {
    records.clear();
    servers.length = 0;
  });

  it('that does not exist, or has no such records, is a finding', async () => {
    const [system, ...types] = await checkDns('dns:shop-pears');
    expect(system).toEqual({
      check: "the system's lookup of shop-pears",
      result: 'warning',
      says: 'none (ENOTFOUND)',
      advice: expect.stringContaining('is it spelt right'),
    });
    expect(types).toMatchObject([{ result: 'ok' }, { result: 'ok' }]);
    expect(await brief('dns+srv:_a._tcp.shop.')).toEqual(['warning: none']);
  });

  it('is that of what the provider asks: search domains count, and name servers of its own', async () => {
    records.set('system shop', [{ address: '10.0.0.1', family: 4 }]);
    expect(await brief('dns:shop')).toEqual(['ok: 10.0.0.1', 'ok: none (ENOTFOUND)', 'ok: none (ENOTFOUND)']);
    records.clear();
    const own = 'dns:shop?nameservers=127.0.0.1:8600';
    expect(await brief(own)).toEqual(['warning: none (ENOTFOUND)', 'warning: none (ENOTFOUND)']);
    records.set('AAAA shop', ['fd00::1']);
    expect(await brief(own)).toEqual(['ok: none (ENOTFOUND)', 'ok: fd00::1']);
    records.set('SRV shop', [{ name: 'a', port: 1 }]);
    expect(await brief('dns+srv:shop?nameservers=127.0.0.1:8600')).toEqual(['ok: a:1']);
    expect(servers).toEqual([['127.0.0.1:8600'], ['127.0.0.1:8600'], ['127.0.0.1:8600']]);
    expect(vi.mocked(lookup)).toHaveBeenLastCalledWith('shop', { all: true, family: 0 });
  });
});
