import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { WorkerStatus } from '../programs/worker-status.js';
import { SECRET, until } from '../support/processes/cluster.js';
import type { Dnsmasq } from '../support/providers/dnsmasq.js';
import { startDnsmasq } from '../support/providers/dnsmasq.js';
import { has } from '../support/requirements.mjs';
import type { Namespace } from '../support/providers/via-namespaces.js';
import { Network } from '../support/providers/via-namespaces.js';

const WORKERS = 5;
const DNS_PORT = 5353;
const program = fileURLToPath(new URL('../../build/test/bundled/worker.js', import.meta.url));

/** Starts five workers on a host, and ends what it started. */
interface Manager {
  start(host: Namespace, env: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

class NodeCluster implements Manager {
  private readonly primaries: ChildProcess[] = [];

  async start(host: Namespace, env: Record<string, string>): Promise<void> {
    const args = ['netns', 'exec', host.name, process.execPath, program];
    const own = { ...process.env, ...env, WORKERS: String(WORKERS) };
    this.primaries.push(spawn('ip', args, { env: own, stdio: 'ignore' }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.primaries.splice(0).map((primary) => this.end(primary)));
  }

  /** Workers end with their primary, however that ends. */
  private async end(primary: ChildProcess): Promise<void> {
    const ended = new Promise((resolve) => primary.once('close', resolve));
    primary.kill('SIGTERM');
    const timer = setTimeout(() => primary.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }
}

/** PM2 in cluster mode, from the registry: it is too much to be a dependency. */
class Pm2 implements Manager {
  private readonly homes: { host: Namespace; env: Record<string, string> }[] = [];

  constructor(private readonly folder: string) {}

  install(): void {
    writeFileSync(join(this.folder, 'package.json'), '{}');
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', 'pm2@7.0.4'];
    execFileSync('npm', args, { cwd: this.folder, stdio: 'pipe' });
  }

  async start(host: Namespace, env: Record<string, string>): Promise<void> {
    const own = { ...env, PM2_HOME: join(this.folder, host.name) };
    this.homes.push({ host, env: own });
    this.run(host, own, 'start', program, '--name', 'app', '-i', String(WORKERS));
  }

  async stop(): Promise<void> {
    for (const { host, env } of this.homes.splice(0)) this.run(host, env, 'kill');
  }

  private run(host: Namespace, env: Record<string, string>, ...args: string[]): void {
    const pm2 = join(this.folder, 'node_modules', 'pm2', 'bin', 'pm2');
    const command = ['netns', 'exec', host.name, process.execPath, pm2, ...args];
    execFileSync('ip', command, { env: { ...process.env, ...env }, stdio: 'pipe' });
  }
}

const hasAll = has('netns') && has('dnsmasq');

describe.skipIf(!hasAll)('five processes on each of two hosts', () => {
  let network: Network;
  let folder: string;
  const servers: Dnsmasq[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'several-'));
    network = new Network();
    const hosts = [network.addHost(), network.addHost()];
    const records = hosts.map((host) => `host-record=peers.test,${network.addressOf(host)}`);
    for (const { name } of hosts)
      servers.push(await startDnsmasq(records, { namespace: name, port: DNS_PORT }));
  });
  afterAll(async () => {
    for (const server of servers) await server.stop();
    network?.delete();
    rmSync(folder, { recursive: true, force: true });
  });

  const statusFolder = (host: Namespace) => join(folder, 'status', host.name);
  const envOf = (host: Namespace) => ({
    STATUS: statusFolder(host),
    PEERAGE_APP_NAME: 'app',
    PEERAGE_SECRET: SECRET,
    PEERAGE_HOST: network.addressOf(host),
    // One process of each host has the default port; it knows the others of its host.
    PEERAGE_VIA: `local:${join(folder, 'local', host.name)},dns:peers.test?port=4370&nameservers=127.0.0.1:${DNS_PORT}`,
  });
  const living = (): WorkerStatus[] =>
    network.hosts
      .flatMap((host) => readdirSync(statusFolder(host)).map((file) => join(statusFolder(host), file)))
      .filter((file) => file.endsWith('.json'))
      .map((file) => JSON.parse(readFileSync(file, 'utf8')) as WorkerStatus)
      .filter(({ pid }) => existsSync(`/proc/${pid}`));
  const isWhole = (nodes: readonly WorkerStatus[]) =>
    nodes.length === 2 * WORKERS &&
    nodes.every(({ bootId, peers }) =>
      nodes.every((other) => other.bootId === bootId || peers.includes(other.bootId)),
    ) &&
    nodes.every(({ peers }) => peers.length === nodes.length - 1);
  const becomeWhole = async () => {
    const state = () => living().map(({ name, peers }) => `${name}: ${peers.length}`);
    await until(
      () => isWhole(living()),
      () => state().join('\n'),
      60_000,
    );
  };

  describe.each<[string, () => Manager]>([
    ['node:cluster', () => new NodeCluster()],
    ['PM2', () => new Pm2(join(folder, 'pm2'))],
  ])('started by %s', (_name, make) => {
    let manager: Manager;
    beforeAll(() => {
      mkdirSync(join(folder, 'pm2'), { recursive: true });
      for (const host of network.hosts) {
        rmSync(statusFolder(host), { recursive: true, force: true });
        mkdirSync(statusFolder(host), { recursive: true });
      }
      manager = make();
      if (manager instanceof Pm2) manager.install();
    });
    afterEach(() => manager.stop());

    it('are one cluster, and again after one was killed', async () => {
      mkdirSync(join(folder, 'local'), { recursive: true });
      for (const host of network.hosts) await manager.start(host, envOf(host));
      await becomeWhole();
      const nodes = living();
      expect(new Set(nodes.map(({ name }) => name)).size).toBe(2 * WORKERS);
      for (const host of network.hosts)
        expect(nodes.map(({ name }) => name)).toContain(`app@${network.addressOf(host)}`);
      const victim = nodes.find(({ name }) => name.includes(':'))!;
      process.kill(victim.pid, 'SIGKILL');
      await until(
        () =>
          living().every(({ bootId, peers }) => bootId !== victim.bootId && !peers.includes(victim.bootId)),
        () => 'the one that was killed is still a peer',
        30_000,
      );
      await becomeWhole();
    });
  });
});
