import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../support/net/net-lab.js';
import { pathOf } from '../../support/requirements.mjs';

const REDIS_PORT = 6379;
const POSTGRES_PORT = 5432;

/** Redis and PostgreSQL on a host of a lab: they keep their data when they are killed and started again. */
export class Servers {
  private readonly folder = mkdtempSync(join(tmpdir(), 'peerage-jobs-'));
  private readonly uid = idOf('-u');
  private readonly gid = idOf('-g');
  private children: ChildProcess[] = [];

  constructor(private readonly host: Host) {
    chownSync(this.folder, this.uid, this.gid);
    const args = ['-D', this.data, '-U', 'peerage', '-A', 'trust', '--no-sync', '-E', 'UTF8'];
    const user = { uid: this.uid, gid: this.gid, cwd: this.folder, stdio: 'pipe' } as const;
    execFileSync(pathOf('initdb')!, args, user);
    appendFileSync(join(this.data, 'pg_hba.conf'), 'host all all 10.78.0.0/24 trust\n');
  }

  get redisUrl(): string {
    return `redis://${this.host.address}:${REDIS_PORT}`;
  }

  get postgresUrl(): string {
    return `postgres://peerage@${this.host.address}:${POSTGRES_PORT}/postgres`;
  }

  start(): void {
    const redis = ['--port', String(REDIS_PORT), '--bind', '0.0.0.0', '--protected-mode', 'no'];
    this.run(
      pathOf('redis-server')!,
      ...redis,
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--dir',
      this.folder,
    );
    const postgres = ['-D', this.data, '-p', String(POSTGRES_PORT), '-k', this.folder, '-h', '0.0.0.0'];
    this.run(pathOf('postgres')!, ...postgres, '-c', 'max_connections=100', '-c', 'shared_buffers=16MB');
  }

  /** All at once: PostgreSQL ends its connections with its first process. */
  async kill(): Promise<void> {
    const ended = this.children.map((child) => new Promise((resolve) => child.once('close', resolve)));
    for (const [i, child] of this.children.entries()) child.kill(i === 0 ? 'SIGKILL' : 'SIGQUIT');
    await Promise.all(ended);
    this.children = [];
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get data(): string {
    return join(this.folder, 'data');
  }

  private run(command: string, ...args: string[]): void {
    const user = ['setpriv', `--reuid=${this.uid}`, `--regid=${this.gid}`, '--clear-groups'];
    const inside = ['netns', 'exec', this.host.namespace, ...user, command, ...args];
    this.children.push(spawn('ip', inside, { stdio: 'ignore', cwd: this.folder }));
  }
}

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
}
