import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplicaConfig } from '../../programs/replica-config.js';
import { SECRET, freePorts, nameOn } from '../processes/cluster.js';
import { startProgram, type Program } from '../processes/programs.js';

/** The time in which a load balancer that was told to spare a replica has stopped sending to it. */
const SPARED_MS = 200;

interface Replica {
  readonly program: Program;
  readonly port: number;
}

/** Replicas in processes of their own, behind a load balancer, which is this class. */
export class Replicas {
  private ports: number[] = [];
  private names: string[] = [];
  private meshPorts: number[] = [];
  private readonly replicas: Replica[] = [];
  private readonly inRotation = new Set<number>();
  private turn = 0;
  readonly programs: Program[] = [];
  /** How requests failed. */
  readonly failures: string[] = [];
  answered = 0;
  private readonly agent = new Agent({ keepAlive: true });

  constructor(private readonly more: Partial<ReplicaConfig> & Pick<ReplicaConfig, 'http'>) {}

  async start(count: number): Promise<void> {
    const ports = await freePorts(2 * count);
    this.ports = ports.slice(0, count);
    this.meshPorts = ports.slice(count);
    this.names = this.meshPorts.map((port) => nameOn(port));
    await Promise.all(this.ports.map((_port, i) => this.launch(i)));
    for (const [i] of this.ports.entries()) await this.joined(i);
  }

  /** Requests from now on, so many at a time, until `stop` is called; it resolves when all have ended. */
  load(clients: number, path: () => string): () => Promise<void> {
    const ending = new AbortController();
    const all = Array.from({ length: clients }, async () => {
      while (!ending.signal.aborted) {
        await this.ask(path());
        await sleep(5);
      }
    });
    return async () => {
      ending.abort();
      await Promise.all(all);
      this.agent.destroy();
    };
  }

  /** One request to whoever's turn it is. Resolves also when it fails. */
  async ask(path: string): Promise<void> {
    const ports = [...this.inRotation].map((i) => this.ports[i]!);
    const port = ports[this.turn++ % ports.length]!;
    try {
      const { status, body } = await fetched(port, path, this.agent);
      if (status === 200) this.answered += 1;
      else this.failures.push(`${port} ${path}: ${status} ${body}`);
    } catch (error) {
      this.failures.push(`${port} ${path}: ${String(error)}`);
    }
  }

  /** One after the other is spared, told to end, and started again. Returns how long each took to end, in ms. */
  async rollingRestart(signal: NodeJS.Signals): Promise<number[]> {
    const tookMs: number[] = [];
    for (const [i] of this.ports.entries()) {
      this.inRotation.delete(i);
      await sleep(SPARED_MS);
      const { program } = this.replicas[i]!;
      const toldAt = performance.now();
      program.signal(signal);
      await program.ended;
      tookMs.push(performance.now() - toldAt);
      await this.launch(i);
      await this.joined(i);
    }
    return tookMs;
  }

  program(i: number): Program {
    return this.replicas[i]!.program;
  }

  url(i: number): number {
    return this.ports[i]!;
  }

  private async launch(i: number): Promise<void> {
    const config: ReplicaConfig = {
      port: this.ports[i]!,
      names: this.names,
      ...this.more,
      options: {
        appName: 'app',
        bind: '127.0.0.1',
        port: this.meshPorts[i]!,
        secret: SECRET,
        waitFor: { peers: 1, timeoutMs: 2_000 },
        ...this.more.options,
      },
    };
    const program = startProgram('replica', { args: [JSON.stringify(config)] });
    this.programs.push(program);
    this.replicas[i] = { program, port: config.port };
    await program.line(/^ready$/, { timeoutMs: 60_000 });
  }

  /** What a readiness probe finds out: it answers. */
  private async joined(i: number): Promise<void> {
    await fetched(this.ports[i]!, '/work?ms=1', this.agent);
    this.inRotation.add(i);
  }
}

/** One GET over loopback. */
export function fetched(
  port: number,
  path: string,
  agent?: Agent,
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, ...(agent && { agent }) }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode, body }));
      response.on('error', reject);
    });
    request.on('error', reject);
  });
}
