import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { runTool } from './net-commands.js';

const PREFIX = 'peerage-lab';
let labs = 0;

const open = new Set<Lab>();
process.on('exit', () => open.forEach((lab) => lab.closeNow()));

/**
 * A switch in a network namespace of its own, and hosts on it, each in one too: 10.78.0.1, 10.78.0.2, …
 * Nothing outside of these namespaces is touched.
 */
export class Lab {
  readonly hosts: readonly Host[];
  private readonly hub: string;

  private constructor(count: number) {
    const name = `${PREFIX}-${process.pid}-${(labs += 1)}`;
    this.hub = `${name}-hub`;
    this.hosts = Array.from({ length: count }, (_, i) => new Host(`${name}-${i + 1}`, i + 1));
    open.add(this);
  }

  static async open(count: number): Promise<Lab> {
    await sweep();
    const lab = new Lab(count);
    try {
      await lab.build();
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /** Ends what still runs there, and removes the namespaces. */
  async close(): Promise<void> {
    open.delete(this);
    for (const name of this.namespaces) await removeNamespace(name);
  }

  /** The same, when there is no time to wait. */
  closeNow(): void {
    open.delete(this);
    for (const name of this.namespaces) removeNamespaceNow(name);
  }

  private get namespaces(): string[] {
    return [...this.hosts.map(({ namespace }) => namespace), this.hub];
  }

  private async build(): Promise<void> {
    const names = this.namespaces;
    await runTool('ip', ['-batch', '-'], { input: names.map((name) => `netns add ${name}\n`).join('') });
    const bridge = ['link set lo up', 'link add br0 type bridge mcast_snooping 0', 'link set br0 up'];
    const ports = this.hosts.flatMap(({ namespace, port }) => [
      `link add ${port} type veth peer name eth0 netns ${namespace}`,
      `link set ${port} master br0 up`,
    ]);
    await batchIn(this.hub, [...bridge, ...ports]);
    for (const host of this.hosts) {
      const card = [`addr add ${host.address}/24 dev eth0`, 'link set eth0 up'];
      await batchIn(host.namespace, ['link set lo up', ...card]);
    }
  }
}

/** One host of a lab, and what can be done to its network. */
export class Host {
  readonly address: string;
  readonly port: string;

  constructor(
    readonly namespace: string,
    number: number,
  ) {
    this.address = `10.78.0.${number}`;
    this.port = `port${number}`;
  }

  /** Runs a program there, to its end. */
  exec(command: readonly string[], options?: { input?: string; mayFail?: boolean }): Promise<string> {
    return runTool('ip', ['netns', 'exec', this.namespace, ...command], options);
  }

  /** Pulls the cable, or plugs it in. */
  async link(state: 'up' | 'down'): Promise<void> {
    await batchIn(this.namespace, [`link set eth0 ${state}`]);
  }

  /** From now on, these rules of nftables judge what comes in on the card; they replace earlier ones. */
  async judgeInput(...rules: readonly string[]): Promise<void> {
    const judged = rules.map((rule) => `iifname "eth0" ${rule}\n`).join('');
    const table = `table inet fault {\nchain input {\ntype filter hook input priority 0\n${judged}}\n}\n`;
    await this.nft(`table inet fault\ndelete table inet fault\n${table}`);
  }

  /** Takes all rules away. */
  async heal(): Promise<void> {
    await this.nft('table inet fault\ndelete table inet fault\n');
  }

  /** What leaves the card goes no faster than `rate`, behind a queue of half a second. */
  async limitRate(rate: string): Promise<void> {
    const tbf = ['tbf', 'rate', rate, 'burst', '16kb', 'latency', '500ms'];
    await this.exec(['tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', ...tbf]);
  }

  /** The kernel drops every TCP connection: with a reset to the other side, if the cable is in. */
  async killConnections(): Promise<void> {
    await this.exec(['ss', '-K', '-t', 'state', 'connected'], { mayFail: true });
  }

  private async nft(rules: string): Promise<void> {
    await this.exec(['nft', '-f', '-'], { input: rules });
  }
}

/** Rules for both sides of a cut between hosts. */
export const dropFrom = (...hosts: readonly Host[]): string =>
  `ip saddr { ${hosts.map(({ address }) => address).join(', ')} } drop`;

/** Loses that share of all packets, at random. */
export const dropShare = (share: number): string =>
  `numgen random mod 1000 < ${Math.round(share * 1_000)} drop`;

/** Cuts each host of one side from each host of the other. */
export async function cutBetween(left: readonly Host[], right: readonly Host[]): Promise<void> {
  await Promise.all([
    ...left.map((host) => host.judgeInput(dropFrom(...right))),
    ...right.map((host) => host.judgeInput(dropFrom(...left))),
  ]);
}

export async function healAll(hosts: readonly Host[]): Promise<void> {
  await Promise.all(hosts.map((host) => host.heal()));
}

async function batchIn(namespace: string, lines: readonly string[]): Promise<void> {
  await runTool('ip', ['-n', namespace, '-batch', '-'], { input: lines.map((line) => `${line}\n`).join('') });
}

async function removeNamespace(name: string): Promise<void> {
  const pids = await runTool('ip', ['netns', 'pids', name], { mayFail: true });
  killAll(pids);
  await runTool('ip', ['netns', 'delete', name], { mayFail: true });
}

function removeNamespaceNow(name: string): void {
  try {
    killAll(execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8', stdio: 'pipe' }));
    execFileSync('ip', ['netns', 'delete', name], { stdio: 'pipe' });
  } catch {
    // It is gone already.
  }
}

/** Whatever runs in a namespace that we made is ours. */
function killAll(pids: string): void {
  for (const pid of pids.split('\n').filter((line) => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

let isSwept = false;

/** Removes what a run that was killed left behind. */
async function sweep(): Promise<void> {
  if (isSwept) return;
  isSwept = true;
  const names = await runTool('ip', ['netns', 'list']);
  for (const [, name = '', pid = ''] of names.matchAll(new RegExp(`^(${PREFIX}-(\\d+)-\\S+)`, 'gm')))
    if (!existsSync(`/proc/${pid}`)) await removeNamespace(name);
}
