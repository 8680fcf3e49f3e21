import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePorts } from '../processes/cluster.js';
import { endWithThisProcess } from '../processes/lifeline.js';
import { pathOf } from '../requirements.mjs';

/** A redis-server on loopback, which a test may kill, freeze and start again. It forgets everything then. */
export class RedisServer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'peerage-redis-'));
  private child: ChildProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly port: number,
    private readonly options: readonly string[],
  ) {}

  static async start(options: readonly string[] = []): Promise<RedisServer> {
    const [port = 0] = await freePorts(1);
    const server = new RedisServer(port, options);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it unless it runs, and waits until it answers. */
  async start(): Promise<void> {
    if (this.child) {
      this.child.kill('SIGCONT');
      return;
    }
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.folder];
    const child = spawn(pathOf('redis-server')!, [...args, ...this.options], { stdio: 'ignore' });
    endWithThisProcess(child, this.folder);
    this.child = child;
    this.ended = new Promise((resolve) => child.once('close', resolve));
    for (let tries = 0; !(await this.answers()); tries += 1) {
      if (tries > 200) throw new Error('redis-server does not answer.');
      await sleep(20);
    }
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.ended;
    this.child = undefined;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs commands on a connection of their own. */
  async run<T>(commands: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      return await commands(client);
    } finally {
      client.disconnect();
    }
  }

  private answers(): Promise<boolean> {
    return this.run((client) => client.ping()).then(
      () => true,
      () => false,
    );
  }
}
