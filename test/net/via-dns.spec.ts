import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Dnsmasq } from '../support/providers/dnsmasq.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import { has } from '../support/requirements.mjs';
import { Namespace } from '../support/providers/via-namespaces.js';
import type { ViaMessage } from '../support/providers/via-process.js';
import { pollOnce } from '../support/providers/via-process.js';

const KUBERNETES =
  'nameserver 127.0.0.1\nsearch ns.svc.test svc.test\noptions ndots:5 timeout:1 attempts:1\n';

const namesOf = ({ polled, failed }: ViaMessage) => polled?.toSorted() ?? failed;

describe.skipIf(!has('netns') || !has('dnsmasq'))('viaDns with the resolver of the system', () => {
  let namespace: Namespace;
  let dnsmasq: Dnsmasq | undefined;
  const poll = async (url: string) =>
    namesOf(await pollOnce(url, 'app@10.0.0.9:4001', { namespace: namespace.name }));

  beforeAll(async () => {
    namespace = new Namespace({
      resolvConf: KUBERNETES,
      hosts: '127.0.0.1 localhost\n10.0.0.77 fromhosts\n',
    });
    const many = Array.from(
      { length: 300 },
      (_, i) => `host-record=many.ns.svc.test,10.1.${i >> 8}.${i & 255}`,
    );
    dnsmasq = await startDnsmasq(
      [
        'local=/test/',
        'local=/app/',
        'domain-needed',
        'host-record=app.ns.svc.test,10.0.0.1,fd00::1',
        'host-record=app.ns.svc.test,10.0.0.2',
        'host-record=full.test,10.0.0.3',
        'srv-host=_peerage._tcp.app.ns.svc.test,app.ns.svc.test,5001',
        'server=/silent.test/127.0.0.1#9',
        ...many,
      ],
      { namespace: namespace.name, port: 53 },
    );
  });
  afterAll(async () => {
    await dnsmasq?.stop();
    namespace?.delete();
  });

  it('finds the addresses of a short name by the search domains', async () => {
    expect(await poll('dns:app')).toEqual(['app@10.0.0.1:4001', 'app@10.0.0.2:4001', 'app@[fd00::1]:4001']);
    expect(await poll('dns:app?family=6&port=7')).toEqual(['app@[fd00::1]:7']);
    expect(await poll('dns:full.test')).toEqual(['app@10.0.0.3:4001']);
  });

  it('finds names of the hosts file', async () => {
    expect(await poll('dns:fromhosts')).toEqual(['app@10.0.0.77:4001']);
    expect(await poll('dns:localhost')).toEqual(['app@127.0.0.1', 'app@127.0.0.1:4001']);
  });

  it('finds all of 300 addresses, which fit into no datagram', async () => {
    const names = await poll('dns:many');
    expect(new Set(names as string[]).size).toBe(300);
  });

  it('answers nothing for a name that does not exist', async () => {
    expect(await poll('dns:nosuch')).toEqual([]);
    expect(await poll('dns:nosuch?family=6')).toEqual([]);
    expect(await poll('dns+srv:_nosuch._tcp.app')).toEqual([]);
  });

  it('finds SRV records of a short name by the search domains', async () => {
    expect(await poll('dns+srv:_peerage._tcp.app')).toEqual([
      'app@10.0.0.1:5001',
      'app@10.0.0.2:5001',
      'app@[fd00::1]:5001',
    ]);
  });

  it('fails when the name servers are silent or refuse', async () => {
    const failed = expect.objectContaining({ code: 'PROVIDER_FAILED', cause: 'EAI_AGAIN' });
    expect(await poll('dns:app.silent.test')).toEqual(failed);
    expect(await poll('dns:app.elsewhere.')).toEqual(failed);
    expect(await poll('dns+srv:_x._tcp.app.silent.test.')).toEqual(
      expect.objectContaining({ code: expect.stringMatching(/^PROVIDER_(TIMEOUT|FAILED)$/) }),
    );
  });
});

describe.skipIf(!has('netns'))('viaDns with the resolver of the system and a server that fails', () => {
  let namespace: Namespace;
  let server: ChildProcess | undefined;
  const poll = async (url: string) =>
    namesOf(await pollOnce(url, 'app@10.0.0.9', { namespace: namespace.name }));

  beforeEach(() => {
    namespace = new Namespace({ resolvConf: 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' });
  });
  afterEach(async () => {
    if (server) {
      server.stdin!.end();
      await once(server, 'close');
      server = undefined;
    }
    namespace.delete();
  });

  async function serve(a: string, aaaa: string): Promise<void> {
    const files = ['run-ts.mjs', 'providers/nameserver-child.ts'];
    const paths = files.map((file) => fileURLToPath(new URL(`../support/${file}`, import.meta.url)));
    const args = ['netns', 'exec', namespace.name, process.execPath, ...paths, a, aaaa];
    server = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(server.stdout!, 'data');
  }

  it('fails on SERVFAIL', async () => {
    await serve('SERVFAIL', 'SERVFAIL');
    expect(await poll('dns:app.test')).toMatchObject({ code: 'PROVIDER_FAILED', cause: 'EAI_AGAIN' });
    expect(await poll('dns+srv:_x._tcp.app.test')).toMatchObject({ code: 'PROVIDER_FAILED' });
  });

  it('goes on with the addresses it gets when one record type never works', async () => {
    await serve('10.0.0.1', 'SERVFAIL');
    expect(await poll('dns:app.test')).toEqual(['app@10.0.0.1']);
  });

  it('fails when there is no server at all, but still finds localhost', async () => {
    expect(await poll('dns:app.test')).toMatchObject({ code: 'PROVIDER_FAILED' });
    expect(await poll('dns:localhost')).toEqual(['app@127.0.0.1']);
  });
});
