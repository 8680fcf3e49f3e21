import type { JobberConfig } from '../../programs/jobber-config.js';
import type { Host } from '../net/net-lab.js';
import type { Program } from '../processes/programs.js';
import { startProgram } from '../processes/programs.js';

const GRACE_MS = 15_000;
/** Many processes may start at once, on a machine that is busy. */
const START_MS = 300_000;

/** Replicas of an app with a job, one on each host. */
export class Jobbers {
  /** Every process that was started. */
  readonly started: Program[] = [];
  private readonly replicas: Program[] = [];

  constructor(
    readonly hosts: readonly Host[],
    private readonly configOf: (host: Host) => JobberConfig,
  ) {}

  get current(): readonly Program[] {
    return this.replicas;
  }

  replica(i: number): Program {
    return this.replicas[i]!;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.hosts.map((_, i) => this.begin(i)));
  }

  /** Starts one, and waits until it has found the others. */
  async begin(i: number): Promise<void> {
    const host = this.hosts[i]!;
    const args = [JSON.stringify(this.configOf(host))];
    const program = startProgram('jobber', { args, namespace: host.namespace });
    this.started.push(program);
    this.replicas[i] = program;
    await program.line(/^ready$/, { timeoutMs: START_MS });
  }

  async restart(i: number): Promise<void> {
    await this.replica(i).stop(GRACE_MS);
    await this.begin(i);
  }
}
