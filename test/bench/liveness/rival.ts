import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Cluster, type ClusterNode, SECRET } from '../../support/processes/cluster.js';
import type { Host } from '../../support/net/net-lab.js';

/** That a node is up or down, as another one said it. `atMs`: wall clock. */
export interface Word {
  readonly type: 'up' | 'down';
  /** Number of the host of the node that it is about. */
  readonly of: number;
  readonly atMs: number;
}

/** One node of one of the systems that are compared. */
export interface Contestant {
  readonly words: readonly Word[];
  signal(signal: NodeJS.Signals): void;
  /** Blocks its event loop, if it has one. */
  block(ms: number): void;
  readonly lastWords: string;
}

/** A system that tells who is alive. */
export interface System {
  readonly name: string;
  readonly hasLoop: boolean;
  start(hosts: readonly Host[], index: number): Contestant;
  /** Ends what the system still has on these hosts. */
  stop(): Promise<void>;
}

const moleculerProgram = fileURLToPath(new URL('../rivals/moleculer-node.mjs', import.meta.url));

/** Ours. */
export function peerage(): System {
  const cluster = new Cluster();
  return {
    name: 'peerage',
    hasLoop: true,
    start: (hosts, index) => {
      const list = hosts.map(({ address }) => `app@${address}`);
      const host = hosts[index]!;
      const config = { appName: 'app', secret: SECRET, host: host.address, port: 4370, via: [{ list }] };
      return new PeerageNode(cluster.launch(config, { namespace: host.namespace }), hosts);
    },
    stop: () => cluster.stop(),
  };
}

/** moleculer over TCP. */
export function moleculer(): System {
  return {
    name: 'moleculer',
    hasLoop: true,
    start: (hosts, index) => {
      const nodes = hosts.map(({ address }, i) => `n${i}=${address}`);
      return new ProcessNode(
        hosts[index]!,
        [process.execPath, moleculerProgram, `n${index}`, ...nodes],
        (of) => Number(of.slice(1)),
      );
    },
    stop: async () => {},
  };
}

/** Erlang/OTP as it comes: net_ticktime 60 s. */
export function erlang(): System {
  const home = mkdtempSync(join(tmpdir(), 'peerage-erl-'));
  return {
    name: 'Erlang/OTP',
    hasLoop: false,
    start: (hosts, index) => {
      const own = join(home, `${index}`);
      mkdirSync(own, { recursive: true });
      const names = hosts.map(({ address }) => `n@${address}`);
      const args = ['-noinput', '-name', names[index]!, '-setcookie', 'bench', '-eval', watch(names)];
      return new ProcessNode(hosts[index]!, ['env', `HOME=${own}`, 'erl', ...args], (of) =>
        names.indexOf(of),
      );
    },
    stop: async () => rmSync(home, { recursive: true, force: true }),
  };
}

/** Prints who comes and goes; another process keeps connecting, because a dial may take seconds. */
function watch(names: readonly string[]): string {
  const all = names.map((name) => `'${name}'`).join(', ');
  const tell = (type: string) =>
    `io:format("{\\"type\\":\\"${type}\\",\\"of\\":\\"~s\\",\\"at\\":~w}~n", [N, erlang:system_time(microsecond) / 1000])`;
  return `
    Others = [${all}] -- [node()],
    spawn(fun() ->
      net_kernel:monitor_nodes(true),
      [self() ! {nodeup, O} || O <- nodes()],
      Loop = fun L() -> receive {nodeup, N} -> ${tell('up')}, L(); {nodedown, N} -> ${tell('down')}, L() end end,
      Loop()
    end),
    spawn(fun() ->
      Dial = fun D() -> [net_kernel:connect_node(O) || O <- Others -- nodes()], timer:sleep(500), D() end,
      Dial()
    end).`;
}

class PeerageNode implements Contestant {
  constructor(
    private readonly node: ClusterNode,
    private readonly hosts: readonly Host[],
  ) {}

  get words(): readonly Word[] {
    return this.node.events.flatMap((event): Word[] => {
      if (event.type !== 'peer.up' && event.type !== 'peer.down') return [];
      const of = this.hosts.findIndex(({ address }) => address === event.peer.host);
      return [{ type: event.type === 'peer.up' ? 'up' : 'down', of, atMs: event.atMs }];
    });
  }

  get lastWords(): string {
    return this.node.program.lines.slice(-20).join('\n');
  }

  signal(signal: NodeJS.Signals): void {
    this.node.signal(signal);
  }

  block(ms: number): void {
    void this.node.run('block', ms).catch(() => {});
  }
}

/** A program that prints its words as lines of JSON. Its namespace ends it at the latest. */
class ProcessNode implements Contestant {
  readonly words: Word[] = [];
  private readonly lines: string[] = [];
  private readonly child: ChildProcess;

  constructor(host: Host, command: readonly string[], indexOf: (of: string) => number) {
    this.child = spawn('ip', ['netns', 'exec', host.namespace, ...command], { stdio: 'pipe' });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      createInterface({ input: stream }).on('line', (line) => this.take(line, indexOf));
  }

  get lastWords(): string {
    return this.lines.slice(-20).join('\n');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  block(ms: number): void {
    this.child.stdin?.write(`block ${ms}\n`);
  }

  private take(line: string, indexOf: (of: string) => number): void {
    this.lines.push(line);
    if (!line.startsWith('{')) return;
    const { type, of, at } = JSON.parse(line) as { type: Word['type']; of: string; at: number };
    this.words.push({ type, of: indexOf(of), atMs: at });
  }
}
