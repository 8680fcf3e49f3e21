import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { viaDns, viaFile, viaList, viaLocal, viaUdp } from '../../lib/index.js';
import { describeProvider } from '../../lib/testing/index.js';
import type { ProviderFixtures } from '../../lib/testing/index.js';
import { isEntryFileName, ownPidSpace, readEntry, writeEntry } from '../../lib/via/local/local-file.js';
import { freePorts } from '../support/processes/cluster.js';
import type { Dnsmasq } from '../support/providers/dnsmasq.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import { FakeNameserver } from '../support/providers/nameserver.js';
import { has } from '../support/requirements.mjs';
import { freeUdpPort, GROUP, Stranger } from '../support/providers/udp.js';

const runner = { describe, it };
const hostOf = (name: string) => name.slice(name.indexOf('@') + 1, name.lastIndexOf(':'));

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'provider-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('viaList', () => {
  let names: readonly string[] = [];
  const fixtures: ProviderFixtures = { hold: (held) => void (names = held), isFixed: true };
  describeProvider(() => viaList(names), fixtures, { ...runner, title: 'keeps the contract' });
});

describe('viaFile', () => {
  const file = () => join(folder, 'peers.txt');
  let held: readonly string[] = [];
  const write = async (texts: readonly string[]) => {
    await writeFile(`${file()}.new`, texts.map((text) => `${text}\n`).join(''));
    await rename(`${file()}.new`, file());
  };
  const fixtures: ProviderFixtures = {
    hold: (names) => write((held = names)),
    addGarbage: (texts) => write([...texts, ...held]),
    fail: () => unlink(file()),
    heal: () => write(held),
    pushes: true,
  };
  describeProvider(() => viaFile(file()), fixtures, { ...runner, title: 'keeps the contract' });
});

describe('viaLocal', () => {
  const dir = () => join(folder, 'peers');
  const files = async () => (await readdir(dir())).filter(isEntryFileName);
  const bootIdOf = (i: number) => (i + 1).toString(16).padStart(32, '0');
  const fixtures: ProviderFixtures = {
    async hold(names) {
      mkdirSync(dir(), { recursive: true, mode: 0o700 });
      for (const name of await readdir(dir()))
        if (/^(0{20}|junk)/.test(name)) await unlink(join(dir(), name));
      const entry = { pid: process.pid, pidSpace: await ownPidSpace(), startedAt: 0 };
      for (const [i, name] of names.entries())
        await writeEntry(dir(), { ...entry, name, bootId: bootIdOf(i) });
    },
    addGarbage(texts) {
      for (const [i, text] of texts.entries()) {
        writeFileSync(join(dir(), `junk${i}`), text);
        writeFileSync(join(dir(), `${bootIdOf(900 + i)}.json`), JSON.stringify({ name: text }));
      }
    },
    fail: () => chmodSync(dir(), 0o777),
    heal: () => chmodSync(dir(), 0o700),
    held: async () => {
      const read = await Promise.all((await files()).map((name) => readEntry(dir(), name)));
      return read.flatMap((one) => (one?.entry ? [one.entry.name] : []));
    },
    pushes: true,
  };
  describeProvider(() => viaLocal({ dir: dir() }), fixtures, { ...runner, title: 'keeps the contract' });
});

describe('viaUdp', () => {
  let stranger: Stranger;
  let port: number;
  let announced: readonly string[] = [];
  let timer: NodeJS.Timeout;
  beforeAll(async () => {
    port = await freeUdpPort();
    stranger = await Stranger.join(port);
    timer = setInterval(() => announced.forEach((text) => void stranger.send(`Peer:${text}`)), 100);
  });
  afterAll(() => {
    clearInterval(timer);
    stranger.leave();
  });
  const fixtures: ProviderFixtures = {
    hold: (names) => void (announced = names),
    addGarbage: (texts) => void (announced = [...texts, ...announced]),
    pushes: true,
    remembers: true,
    many: 200,
  };
  const provider = () => viaUdp({ port, multicastAddr: GROUP, ip: '127.0.0.1' });
  describeProvider(provider, fixtures, { ...runner, title: 'keeps the contract' });
});

describe('viaDns with name servers of its own', () => {
  let nameserver: FakeNameserver;
  beforeAll(async () => void (nameserver = await FakeNameserver.start()));
  afterAll(() => nameserver.stop());
  let held: readonly string[] = [];
  const answer = (A: FakeNameserver['replies']['A']) => void (nameserver.replies = { A, AAAA: 'NODATA' });
  const fixtures: ProviderFixtures = {
    hold: (names) => answer((held = names).length > 0 ? names.map(hostOf) : 'NXDOMAIN'),
    fail: () => answer('SERVFAIL'),
    hang: () => answer('silence'),
    heal: () => answer(held.map(hostOf)),
    // What one datagram holds.
    many: 200,
  };
  const options = { ...runner, title: 'keeps the contract', serves: true };
  const provider = () => viaDns({ dnsName: 'kit.test', nameservers: [nameserver.address], family: 4 });
  describeProvider(provider, fixtures, options);
});

describe.skipIf(!has('dnsmasq'))('viaDns with SRV records', () => {
  let dnsmasq: Dnsmasq | undefined;
  let port: number;
  let held: readonly string[] = [];
  const stop = async () => {
    await dnsmasq?.stop();
    dnsmasq = undefined;
  };
  const start = async () => {
    await stop();
    const records = held.flatMap((name, i) => [
      `host-record=n${i}.kit.test,${hostOf(name)}`,
      `srv-host=_peerage._tcp.kit.test,n${i}.kit.test,4001`,
    ]);
    dnsmasq = await startDnsmasq(['local=/test/', ...records], { port });
  };
  beforeAll(async () => void ([port = 0] = await freePorts(1)));
  afterAll(stop);
  const fixtures: ProviderFixtures = {
    hold: (names) => {
      held = names;
      return start();
    },
    fail: stop,
    heal: start,
    many: 300,
  };
  const provider = () =>
    viaDns({ dnsName: '_peerage._tcp.kit.test', srv: true, nameservers: [`127.0.0.1:${port}`] });
  describeProvider(provider, fixtures, { ...runner, title: 'keeps the contract' });
});
