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

/** A redis-server on loopback, which a test may kill, freeze and start again. It forgets everything then, unless it has saved it. */
export class RedisServer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'peerage-redis-'));
  private child: ChildProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly host: string,
    readonly port: number,
    private readonly options: readonly string[],
  ) {}

  /** `at`: where it listens. */
  static async start(
    options: readonly string[] = [],
    at?: { host: string; port: number },
  ): Promise<RedisServer> {
    const { host, port } = at ?? { host: '127.0.0.1', port: (await freePorts(1))[0]! };
    const server = new RedisServer(host, port, options);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** Starts it unless it runs, and waits until it answers. */
  async start(): Promise<void> {
    if (this.child) {
      this.child.kill('SIGCONT');
      return;
    }
    this.spawn();
    for (let tries = 0; !(await this.answers()); tries += 1) {
      if (tries > 200) throw new Error('redis-server does not answer.');
      await sleep(20);
    }
  }

  /** Has it read its data for `ms` after its next start, and answer LOADING meanwhile. Does not wait for it. */
  async startSlowly(ms: number): Promise<void> {
    await this.start();
    const keys = 1_000;
    await this.run(async (redis) => {
      await redis.call('DEBUG', 'POPULATE', String(keys));
      await redis.save();
    });
    await this.kill();
    // Microseconds a key; without the second option it would not answer at all.
    this.spawn(['--key-load-delay', String(ms), '--loading-process-events-interval-bytes', '1024']);
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

  private spawn(more: readonly string[] = []): void {
    const args = ['--port', String(this.port), '--bind', this.host, '--save', '', '--dir', this.folder];
    const debug = ['--enable-debug-command', 'yes'];
    const child = spawn(pathOf('redis-server')!, [...args, ...debug, ...this.options, ...more], {
      stdio: 'ignore',
    });
    endWithThisProcess(child, this.folder);
    this.child = child;
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  private answers(): Promise<boolean> {
    return this.run((client) => client.ping()).then(
      () => true,
      () => false,
    );
  }
}
