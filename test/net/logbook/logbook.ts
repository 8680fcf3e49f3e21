import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobberConfig } from '../../programs/jobber-config.js';
import type { NodeConfig } from '../../programs/node-config.js';
import { ClusterNetwork } from '../../support/net/network.js';
import { Cluster, type ClusterNode, SECRET } from '../../support/processes/cluster.js';
import { type Program, startProgram, stopPrograms } from '../../support/processes/programs.js';
import { type Dnsmasq, startDnsmasq } from '../../support/providers/dnsmasq.js';
import { LineCounts } from './line-counts.js';

export const PORT = 4_370;
export const HOSTS = 5;
export const DNS_NAME = 'peers.test';
const JOBBER_PORT = 4_401;

export type Trouble = (book: Logbook) => Promise<void>;

/** What a jobber prints beside its log. */
const OWN_WORDS = /^(ran|told|leads|led|ready|cost)\b/;

/** Whose log is written down. */
interface Voice {
  readonly log: readonly string[];
}

export class Logbook {
  readonly network = new ClusterNetwork();
  readonly nodes: ClusterNode[] = [];
  readonly jobbers: Program[] = [];
  readonly names: string;
  readonly nameServer = '127.0.0.1:53';
  private readonly cluster = new Cluster();
  private readonly read = new Map<Voice, number>();
  private readonly pages: string[] = [];
  private readonly counts = new LineCounts();
  /** Of each host, all processes that it had. */
  private readonly voices: Voice[][] = [];
  private dns: Dnsmasq | undefined;

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.names = join(folder, 'names');
    for (let i = 0; i <= HOSTS; i++) this.network.addHost();
  }

  get addresses(): string[] {
    return Array.from({ length: HOSTS }, (_, i) => this.address(i));
  }

  get all(): string[] {
    return this.addresses.map((address) => `app@${address}:${PORT}`);
  }

  host(i: number): ClusterNetwork['hosts'][number] {
    return this.network.hosts[i]!;
  }

  address(i: number): string {
    return this.network.addressOf(this.host(i));
  }

  writeNames(names: readonly string[] = this.all): void {
    writeFileSync(this.names, names.join('\n'));
  }

  async start(): Promise<void> {
    this.writeNames();
    await this.chapter('they start', async () => {
      await Promise.all(Array.from({ length: HOSTS }, (_, i) => this.launch(i).started()));
      await sleep(8_000);
    });
  }

  /** A process on a host, in the place of the one before. */
  launch(i: number, more: NodeConfig = {}): ClusterNode {
    const config = { appName: 'app', secret: SECRET, port: PORT, via: [{ file: this.names }], ...more };
    const node = this.cluster.launch(config, { namespace: this.host(i).name });
    this.nodes[i] = node;
    (this.voices[i] ??= []).push(node);
    return node;
  }

  /** A second app on a host, with a job that is due each second and wants a majority. It logs warnings only. */
  launchJobber(i: number): void {
    const config: JobberConfig = {
      kind: 'run-once',
      workMs: 300,
      names: this.addresses.map((address) => `jobs@${address}:${JOBBER_PORT}`),
      options: {
        appName: 'jobs',
        host: this.address(i),
        port: JOBBER_PORT,
        secret: SECRET,
        quorum: { of: HOSTS },
      },
    };
    const args = [JSON.stringify(config)];
    const jobber = startProgram('jobber', { args, namespace: this.host(i).name, env: { NO_COLOR: '1' } });
    this.jobbers[i] = jobber;
    const voice = {
      get log() {
        return jobber.lines.filter((line) => !OWN_WORDS.test(line));
      },
    };
    this.voices[i]!.push(voice);
  }

  /** A name server of the sixth host, in the place of the one before, that gives these addresses for `DNS_NAME`. */
  async startNameServer(addresses: readonly string[]): Promise<void> {
    await this.stopNameServer();
    const records = addresses.map((address) => `host-record=${DNS_NAME},${address}`);
    this.dns = await startDnsmasq(['local=/test/', ...records], {
      namespace: this.host(HOSTS).name,
      port: 53,
    });
  }

  async stopNameServer(): Promise<void> {
    await this.dns?.stop();
    this.dns = undefined;
  }

  freezeNameServer(): void {
    this.dns?.freeze();
  }

  /** Packets that come in at a host, and that one of nft's rules takes. */
  drop(i: number, rule: string): void {
    this.host(i).exec('nft', 'add table inet trouble');
    this.host(i).exec('nft', 'add chain inet trouble in { type filter hook input priority 0; }');
    this.host(i).exec('nft', `add rule inet trouble in ${rule}`);
  }

  split(some: readonly number[], others: readonly number[]): void {
    const to = (hosts: readonly number[]): string => hosts.map((i) => this.address(i)).join(', ');
    for (const i of some) this.drop(i, `ip saddr { ${to(others)} } drop`);
    for (const i of others) this.drop(i, `ip saddr { ${to(some)} } drop`);
  }

  unite(): void {
    for (const host of this.network.hosts)
      try {
        host.exec('nft', 'delete table inet trouble');
      } catch {
        // Nothing was dropped there.
      }
  }

  async chapter(title: string, trouble: Trouble): Promise<void> {
    console.log(`${new Date().toISOString()} ${title}`);
    try {
      await trouble(this);
    } catch (error) {
      this.pages.push(`!!! ${String(error)}`);
    }
    this.pages.push(`\n=== ${title}`);
    for (const [i, voices] of this.voices.entries())
      for (const voice of voices) for (const line of this.newsOf(voice)) this.write(i, line);
    writeFileSync(join(this.folder, 'all.log'), `${this.pages.join('\n')}\n`);
    writeFileSync(join(this.folder, 'lines.txt'), String(this.counts));
  }

  async end(): Promise<void> {
    await this.cluster.stop();
    await stopPrograms(this.jobbers);
    await this.stopNameServer();
    for (const [i, voices] of this.voices.entries())
      writeFileSync(
        join(this.folder, `${this.address(i)}.log`),
        voices.flatMap(({ log }) => [...log, '']).join('\n'),
      );
    this.network.delete();
  }

  private newsOf(voice: Voice): readonly string[] {
    const lines = voice.log;
    const news = lines.slice(this.read.get(voice) ?? 0);
    this.read.set(voice, lines.length);
    return news;
  }

  private write(host: number, line: string): void {
    this.pages.push(`${this.address(host)} | ${line}`);
    this.counts.add(line);
  }
}
