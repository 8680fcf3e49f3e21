import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent, ClusterEventOf, ClusterEventType, Explanation, Peer } from 'nestjs-peerage';
import type {
  Block,
  Flood,
  Load,
  NodeCommand,
  NodeConfig,
  NodeMessage,
  Sought,
  Stall,
} from '../../programs/node-config.js';
import { Program, type ProgramEnd, startProgram } from './programs.js';

/** Of this run only: tests that run at the same time may take over each other's ports. */
export const SECRET = `a secret of the tests, long enough, ${process.pid}`;

/** A cluster event as a node printed it; `atMs` is when, in milliseconds of the wall clock, precise. */
export type Seen<T extends ClusterEventType> = ClusterEventOf<T> & { readonly atMs: number };

export interface NodeOptions {
  /** The root of another build of this package, with the program in it. @default this one */
  readonly root?: string;
  readonly namespace?: string;
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Of `build/test/programs`. @default node */
  readonly program?: string;
}

interface WaitOptions {
  /** Only what was seen after this many events. */
  readonly from?: number;
  readonly timeoutMs?: number;
}

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject);
            server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
          }),
      ),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Options of a node on loopback. */
export function onLoopback(port: number, more: NodeConfig = {}): NodeConfig {
  return { appName: 'app', secret: SECRET, bind: '127.0.0.1', port, ...more };
}

/** Options of a node on loopback that has no secret. */
export function openOnLoopback(port: number, more: NodeConfig = {}): NodeConfig {
  return { appName: 'app', cluster: `tests ${process.pid}`, bind: '127.0.0.1', port, ...more };
}

export function nameOn(port: number, app = 'app'): string {
  return `${app}@127.0.0.1:${port}`;
}

/** Processes of `test/programs/node.ts`; `stop` ends all of them. */
export class Cluster {
  private readonly nodes = new Set<ClusterNode>();

  /** Starts a node, without waiting for it. */
  launch(config: NodeConfig, options: NodeOptions = {}): ClusterNode {
    const node = new ClusterNode(config, options);
    this.nodes.add(node);
    return node;
  }

  /** Starts a node and waits until it listens. */
  async start(config: NodeConfig, options: NodeOptions = {}): Promise<ClusterNode> {
    const node = this.launch(config, options);
    await node.started();
    return node;
  }

  /** Starts nodes on loopback at once, each of which is told of all ports. */
  async startList(ports: readonly number[], more: NodeConfig = {}): Promise<ClusterNode[]> {
    const via = [{ list: ports.map((port) => nameOn(port)) }];
    return Promise.all(ports.map((port) => this.start(onLoopback(port, { via, ...more }))));
  }

  async stop(): Promise<void> {
    const nodes = [...this.nodes];
    this.nodes.clear();
    await Promise.all(nodes.map((node) => node.program.stop()));
  }
}

/** Waits until every node has every other one as its peer. */
export async function fullMesh(nodes: readonly ClusterNode[], timeoutMs = 20_000): Promise<void> {
  const ids = nodes.map((node) => node.bootId);
  await Promise.all(
    nodes.map((node) =>
      until(
        () => ids.every((id) => id === node.bootId || node.up.has(id)),
        () => `${node.name} has only ${node.up.size} of ${ids.length - 1} peers`,
        timeoutMs,
      ),
    ),
  );
}

/** Waits until probes of one node are answered by another: a thread of its own does that, soon after its start. */
export async function probesAnswered(by: ClusterNode, { name }: ClusterNode): Promise<void> {
  const endMs = performance.now() + 40_000;
  while ((await by.run('explain', name)).names[0]?.liveness?.probes !== 'answered') {
    if (performance.now() > endMs) throw new Error(`${by.name} gets no answers to its probes of ${name}.`);
    await sleep(100);
  }
}

/** Waits until something holds. */
export async function until(
  holds: () => boolean,
  otherwise: () => string,
  timeoutMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`After ${timeoutMs} ms: ${otherwise()}`);
    await sleep(10);
  }
}

/** The established TCP connections between each two of these processes, as the kernel knows them. */
export function connectionsBetween(nodes: readonly ClusterNode[]): Map<string, number> {
  const sockets = establishedSockets();
  const owners = new Map(sockets.map(({ local, remote, pid }) => [`${local} ${remote}`, pid]));
  const counts = new Map<string, number>();
  for (const { local, remote, pid } of sockets) {
    const other = owners.get(`${remote} ${local}`);
    const [a, b] = [nodes.findIndex((n) => n.pid === pid), nodes.findIndex((n) => n.pid === other)];
    // Each connection shows twice; the end with the lower index counts.
    if (a >= 0 && a < b) counts.set(`${a}-${b}`, (counts.get(`${a}-${b}`) ?? 0) + 1);
  }
  return counts;
}

/** The hosts at the other ends of the established TCP connections of a node, sorted; one for each connection. */
export function connectedHosts(node: ClusterNode, namespace: string): string[] {
  const own = establishedSockets(namespace).filter(({ pid }) => pid === node.pid);
  return own.map(({ remote }) => remote.replace(/:\d+$/, '')).toSorted();
}

interface EstablishedSocket {
  readonly local: string;
  readonly remote: string;
  readonly pid: number;
}

function establishedSockets(namespace?: string): EstablishedSocket[] {
  const command = ['ss', '-tnpH', 'state', 'established'];
  const [file = '', ...args] =
    namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
  const lines = execFileSync(file, args, { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const match = /^\d+\s+\d+\s+(\S+)\s+(\S+)\s+.*pid=(\d+)/.exec(line);
    return match ? [{ local: plain(match[1]!), remote: plain(match[2]!), pid: Number(match[3]) }] : [];
  });
}

function plain(address: string): string {
  return address.replace('[::ffff:', '').replace(']', '');
}

/** A node in a process of its own. */
export class ClusterNode {
  readonly program: Program;
  private readonly peers = new Map<string, Peer>();
  private readonly seen: (ClusterEvent & { readonly atMs: number })[] = [];
  private readonly messages: NodeMessage[] = [];
  /** Faults in the order of its events: `peer.up` and `peer.down` of one boot id must alternate. */
  private readonly faults: string[] = [];
  private read = 0;
  private lastCommand = 0;

  constructor(
    readonly config: NodeConfig,
    { root, namespace, nodeArgs, env, program = 'node' }: NodeOptions,
  ) {
    this.program = startProgram(program, {
      args: [JSON.stringify(config)],
      env: { NO_COLOR: '1', ...env },
      ...(root !== undefined && { root }),
      ...(nodeArgs && { nodeArgs }),
      ...(namespace !== undefined && { namespace }),
    });
  }

  get pid(): number {
    return this.program.pid;
  }

  get name(): string {
    return this.startMessage?.name ?? '(not started)';
  }

  get bootId(): string {
    return this.startMessage?.bootId ?? '';
  }

  /** Its peers by boot id, as its events tell. */
  get up(): ReadonlyMap<string, Peer> {
    this.take();
    return this.peers;
  }

  /** What it has seen so far. */
  get events(): readonly (ClusterEvent & { readonly atMs: number })[] {
    this.take();
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
    return this.seen;
  }

  /** Lines of its log. */
  get log(): string[] {
    return this.program.lines.filter((line) => !line.startsWith('{'));
  }

  ofType<T extends ClusterEventType>(type: T, from = 0): Seen<T>[] {
    return this.events.slice(from).filter((event) => event.type === type) as Seen<T>[];
  }

  async started(timeoutMs?: number): Promise<this> {
    await this.message((message) => message.type === 'started', timeoutMs);
    return this;
  }

  /** The first message that fits; waits for it. */
  async message<T extends NodeMessage>(
    fits: (message: NodeMessage) => boolean,
    timeoutMs = 30_000,
  ): Promise<T> {
    let found: NodeMessage | undefined;
    const look = (): boolean => {
      this.take();
      return (found = this.messages.find(fits)) !== undefined;
    };
    const endMs = performance.now() + timeoutMs;
    while (!look()) {
      if (performance.now() > endMs || !this.program.isRunning)
        throw new Error(`No such message. It printed:\n${this.program.lines.slice(-50).join('\n')}`);
      await sleep(5);
    }
    return found as T;
  }

  /** The first event of this type that fits; waits for it. */
  async event<T extends ClusterEventType>(
    type: T,
    fits: (event: Seen<T>) => boolean = () => true,
    { from = 0, timeoutMs = 20_000 }: WaitOptions = {},
  ): Promise<Seen<T>> {
    let found: Seen<T> | undefined;
    await until(
      () => (found = this.ofType(type, from).find(fits)) !== undefined,
      () => `${this.name} saw no such ${type}. It printed:\n${this.program.lines.slice(-50).join('\n')}`,
      timeoutMs,
    );
    return found!;
  }

  /** Has it do something; rejects with what it says went wrong. */
  async run(what: 'peers'): Promise<Peer[]>;
  async run(what: 'connect', name: string): Promise<Peer>;
  async run(what: 'explain', name?: string): Promise<Explanation>;
  async run(what: 'load'): Promise<Load>;
  async run(what: 'block', ms: number): Promise<Block>;
  async run(what: 'stall', stall: Stall): Promise<void>;
  async run(what: 'flood', flood: Flood): Promise<number>;
  async run(what: 'seek', sought: Sought): Promise<string>;
  async run(what: NodeCommand['run'], argument?: unknown): Promise<unknown>;
  async run(what: NodeCommand['run'], argument?: unknown): Promise<unknown> {
    const id = (this.lastCommand += 1);
    const command: NodeCommand = { id, run: what, argument };
    this.program.write(JSON.stringify(command));
    const reply = await this.message<Extract<NodeMessage, { type: 'reply' }>>(
      (message) => message.type === 'reply' && message.id === id,
      60_000,
    );
    if (reply.error !== undefined) throw new Error(reply.error);
    return reply.value;
  }

  signal(signal: NodeJS.Signals): void {
    this.program.signal(signal);
  }

  /** `kill -9`. Returns when that was, in milliseconds of the wall clock. */
  async kill(): Promise<number> {
    const atMs = performance.timeOrigin + performance.now();
    await this.program.kill();
    return atMs;
  }

  /** SIGTERM, as from an orchestrator. */
  terminate(): Promise<ProgramEnd> {
    return this.program.stop();
  }

  private get startMessage(): Extract<NodeMessage, { type: 'started' }> | undefined {
    this.take();
    return this.messages.find((message) => message.type === 'started');
  }

  /** Reads the lines that came since the last time. */
  private take(): void {
    const { lines } = this.program;
    for (; this.read < lines.length; this.read += 1) {
      const line = lines[this.read]!;
      if (!line.startsWith('{')) continue;
      const message = JSON.parse(line) as NodeMessage;
      this.messages.push(message);
      if (message.type === 'event')
        this.count({ ...message.event, atMs: message.at } as unknown as ClusterEvent & { atMs: number });
    }
  }

  private count(event: ClusterEvent & { readonly atMs: number }): void {
    this.seen.push(event);
    if (event.type === 'peer.up') {
      if (this.peers.has(event.peer.bootId)) this.faults.push(`peer.up of ${event.peer.name} twice`);
      this.peers.set(event.peer.bootId, event.peer);
    } else if (event.type === 'peer.down' && !this.peers.delete(event.peer.bootId)) {
      this.faults.push(`peer.down of ${event.peer.name}, which was not up`);
    }
  }
}
