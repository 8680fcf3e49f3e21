import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeConfig } from '../programs/node-config.js';
import { Cluster, type ClusterNode, SECRET } from '../support/processes/cluster.js';
import { ClusterNetwork } from '../support/net/network.js';

/**
 * Five processes on hosts of their own go through a day's troubles in minutes, and everything that they log at the level
 * of a new app is written down, trouble by trouble, for a person to read:
 *
 *   npm run build && npm run build:programs
 *   node test/support/run-ts.mjs test/net/logbook.ts build/logbook
 *
 * `all.log` has it in the order of the troubles, `HOST.log` is what one host said.
 */
export async function main([folder = 'build/logbook', ...only]: readonly string[]): Promise<void> {
  const book = new Logbook(folder);
  // What ends at exit, processes and namespaces, ends then too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    await book.start();
    for (const [title, trouble] of Object.entries(TROUBLES)) {
      if (only.length > 0 && !only.some((word) => title.includes(word))) continue;
      await book.chapter(title, trouble);
    }
  } finally {
    await book.end();
  }
}

const PORT = 4_370;
const HOSTS = 5;
const OTHER_SECRET = 'a new secret of the tests, long enough';

type Trouble = (book: Logbook) => Promise<void>;

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'one is killed, and is there again after five seconds': async (book) => {
    await book.nodes[2]!.kill();
    await sleep(5_000);
    book.launch(2);
    await sleep(6_000);
  },
  'one is killed, and is away for a minute': async (book) => {
    await book.nodes[2]!.kill();
    await sleep(60_000);
    book.launch(2);
    await sleep(6_000);
  },
  'one is stopped for twelve seconds (SIGSTOP)': async (book) => {
    book.nodes[1]!.signal('SIGSTOP');
    await sleep(12_000);
    book.nodes[1]!.signal('SIGCONT');
    await sleep(8_000);
  },
  'the event loop of one is busy for six seconds': async (book) => {
    await book.nodes[3]!.run('block', 6_000);
    await sleep(4_000);
  },
  'the event loop of one stands still for 1.5 s, again and again': async (book) => {
    for (let i = 0; i < 6; i++) {
      await book.nodes[3]!.run('block', 1_500);
      await sleep(2_000);
    }
  },
  'one is cut off for twenty-five seconds': async (book) => {
    book.network.silence(book.host(4));
    await sleep(25_000);
    book.network.heal(book.host(4));
    await sleep(10_000);
  },
  'two are cut off from three, for twenty-five seconds': async (book) => {
    book.split([0, 1], [2, 3, 4]);
    await sleep(25_000);
    book.unite();
    await sleep(10_000);
  },
  'nothing of the first host reaches the second, for twenty seconds': async (book) => {
    book.drop(1, `ip saddr ${book.address(0)} drop`);
    await sleep(20_000);
    book.unite();
    await sleep(10_000);
  },
  'a sixth has another secret, for half a minute': async (book) => {
    const stranger = book.launch(5, { secret: OTHER_SECRET });
    await sleep(30_000);
    await stranger.terminate();
  },
  'a sixth has another label, for half a minute': async (book) => {
    const stranger = book.launch(5, { cluster: 'another' });
    await sleep(30_000);
    await stranger.terminate();
  },
  'UDP to one is dropped, for half a minute': async (book) => {
    book.drop(2, `udp dport ${PORT} drop`);
    await sleep(30_000);
    book.unite();
    await sleep(20_000);
  },
  'TCP to one is dropped while it restarts': async (book) => {
    await book.nodes[2]!.terminate();
    book.drop(2, `tcp dport ${PORT} drop`);
    book.launch(2);
    await sleep(20_000);
    book.unite();
    await sleep(15_000);
  },
  'the file with the names is gone for half a minute': async (book) => {
    book.writeNames([]);
    rmSync(book.names);
    await sleep(30_000);
    book.writeNames();
    await sleep(15_000);
  },
  'a name is listed that nobody has, for a minute': async (book) => {
    book.writeNames([...book.all, `app@10.77.0.99:${PORT}`]);
    await sleep(60_000);
    book.writeNames();
    await sleep(5_000);
  },
  'all restart, one after the other': async (book) => {
    for (let i = 0; i < HOSTS; i++) {
      await book.nodes[i]!.terminate();
      await sleep(1_000);
      await book.launch(i).started();
      await sleep(3_000);
    }
  },
  'all restart with a new secret beside the old one, and then with the new one only': async (book) => {
    for (const secret of [[SECRET, OTHER_SECRET], [OTHER_SECRET, SECRET], OTHER_SECRET])
      for (let i = 0; i < HOSTS; i++) {
        await book.nodes[i]!.terminate();
        await book.launch(i, { secret: secret as string }).started();
        await sleep(1_500);
      }
    await sleep(5_000);
  },
  'all but one are killed at once, and are there again after fifteen seconds': async (book) => {
    await Promise.all(book.nodes.slice(1, HOSTS).map((node) => node.kill()));
    await sleep(15_000);
    for (let i = 1; i < HOSTS; i++) book.launch(i, { secret: OTHER_SECRET });
    await sleep(8_000);
  },
  'all shut down at once': async (book) => {
    await Promise.all(book.nodes.slice(0, HOSTS).map((node) => node.terminate()));
  },
};

class Logbook {
  readonly network = new ClusterNetwork();
  readonly nodes: ClusterNode[] = [];
  readonly names: string;
  private readonly cluster = new Cluster();
  private readonly read = new Map<ClusterNode, number>();
  private readonly pages: string[] = [];
  private readonly everyNode: ClusterNode[][] = [];

  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
    this.names = join(folder, 'names');
    for (let i = 0; i <= HOSTS; i++) this.network.addHost();
  }

  get all(): string[] {
    return Array.from({ length: HOSTS }, (_, i) => `app@${this.address(i)}:${PORT}`);
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
    (this.everyNode[i] ??= []).push(node);
    return node;
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
    for (const [i, nodes] of this.everyNode.entries())
      for (const node of nodes) {
        const lines = node.log;
        const news = lines.slice(this.read.get(node) ?? 0);
        this.read.set(node, lines.length);
        this.pages.push(...news.map((line) => `${this.address(i)} | ${line}`));
      }
    writeFileSync(join(this.folder, 'all.log'), `${this.pages.join('\n')}\n`);
  }

  async end(): Promise<void> {
    await this.cluster.stop();
    for (const [i, nodes] of this.everyNode.entries())
      writeFileSync(
        join(this.folder, `${this.address(i)}.log`),
        nodes.flatMap((node) => [...node.log, '']).join('\n'),
      );
    this.network.delete();
  }
}
