import type { JobberConfig } from '../../programs/jobber-config.js';
import { SECRET } from '../../support/processes/cluster.js';
import type { Host } from '../../support/net/net-lab.js';
import type { Program } from '../../support/processes/programs.js';
import { startProgram } from '../../support/processes/programs.js';
import type { Servers } from './servers.js';

/** What is compared. */
export const CONTENDERS: Readonly<Record<string, Omit<JobberConfig, 'options' | 'names' | 'workMs'>>> = {
  schedule: { kind: 'schedule' },
  'redis-lock': { kind: 'redis-lock' },
  'postgres-lock': { kind: 'postgres-lock' },
  'run-once': { kind: 'run-once' },
  'run-once rerun': { kind: 'run-once', rules: { onLoss: 'rerun' } },
  'run-once quorum': { kind: 'run-once' },
  'run-once redis': { kind: 'run-once', store: 'redis' },
  'run-once postgres': { kind: 'run-once', store: 'postgres' },
};

const WORK_MS = 100;
const MESH_PORT = 4_400;
const GRACE_MS = 15_000;
/** Many processes may start at once, on a machine that is busy. */
const START_MS = 300_000;

/** Three replicas, one on each host. */
export class Contender {
  readonly started: Program[] = [];
  private readonly replicas: Program[] = [];
  private readonly port: number;

  constructor(
    readonly name: string,
    index: number,
    private readonly hosts: readonly Host[],
    private readonly servers: Servers,
  ) {
    this.port = MESH_PORT + index;
  }

  private start(i: number): Program {
    const { host, port, servers } = { host: this.hosts[i]!, port: this.port, servers: this.servers };
    const what = CONTENDERS[this.name]!;
    const config: JobberConfig = {
      ...what,
      names: this.hosts.map(({ address }) => `app@${address}:${port}`),
      workMs: WORK_MS,
      ...((what.kind === 'redis-lock' || what.store === 'redis') && { redisUrl: servers.redisUrl }),
      ...((what.kind === 'postgres-lock' || what.store === 'postgres') && {
        postgresUrl: servers.postgresUrl,
      }),
      options: {
        appName: 'app',
        host: host.address,
        port,
        secret: SECRET,
        ...(this.name === 'run-once quorum' && { quorum: { of: 3 } }),
      },
    };
    const program = startProgram('jobber', {
      args: [JSON.stringify(config)],
      namespace: host.namespace,
    });
    this.started.push(program);
    this.replicas[i] = program;
    return program;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.hosts.map((_, i) => this.begin(i)));
  }

  replica(i: number): Program {
    return this.replicas[i]!;
  }

  async restart(i: number): Promise<void> {
    await this.replica(i).stop(GRACE_MS);
    await this.begin(i);
  }

  /** Starts one, and waits until it has found the others. */
  async begin(i: number): Promise<void> {
    await this.start(i).line(/^ready$/, { timeoutMs: START_MS });
  }
}
