import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePorts } from '../processes/cluster.js';
import { endWithThisProcess } from '../processes/lifeline.js';
import { isRoot, pathOf } from '../requirements.mjs';

/** PostgreSQL refuses to run as root. */
const user = (): { uid?: number; gid?: number } => (isRoot ? { uid: idOf('-u'), gid: idOf('-g') } : {});

/** A PostgreSQL server on loopback, which a test may kill, freeze and start again. It keeps its data. */
export class PostgresServer {
  private readonly folder = mkdtempSync(join(tmpdir(), 'peerage-pg-'));
  private child: ChildProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly host: string,
    readonly port: number,
  ) {
    const { uid, gid } = user();
    if (uid !== undefined && gid !== undefined) chownSync(this.folder, uid, gid);
    const data = ['-D', this.data, '-U', 'peerage', '-A', 'trust', '--no-sync', '-E', 'UTF8'];
    execFileSync(pathOf('initdb')!, data, { ...user(), cwd: this.folder, stdio: 'pipe' });
  }

  /** `at`: where it listens. */
  static async start(at?: { host: string; port: number }): Promise<PostgresServer> {
    const { host, port } = at ?? { host: '127.0.0.1', port: (await freePorts(1))[0]! };
    const server = new PostgresServer(host, port);
    await server.start();
    return server;
  }

  get url(): string {
    return `postgres://peerage@${this.host}:${this.port}/postgres`;
  }

  /** Starts it unless it runs, and waits until it answers. */
  async start(): Promise<void> {
    if (this.child) {
      this.signalAll('SIGCONT');
      return;
    }
    this.spawn();
    for (let tries = 0; !(await this.answers()); tries += 1) {
      if (tries > 200) throw new Error('postgres does not answer.');
      await sleep(50);
    }
  }

  /** Starts it anew as a standby that nobody sends changes: one that lets in nobody, or who only reads. */
  async becomeStandby(which: 'closed' | 'readable'): Promise<void> {
    await this.kill();
    const file = join(this.data, 'standby.signal');
    writeFileSync(file, '');
    const { uid, gid } = user();
    if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
    this.spawn(['-c', `hot_standby=${which === 'readable' ? 'on' : 'off'}`]);
    const starting = '57P03';
    const answer = () =>
      this.run((client) => client.query('SELECT 1')).catch(({ code }: { code: string }) => code);
    for (let tries = 0; ; tries += 1) {
      const said = await answer();
      if (typeof said !== 'string' || (said === starting && which === 'closed')) return;
      if (tries > 200) throw new Error('postgres does not answer.');
      await sleep(50);
    }
  }

  freeze(): void {
    this.signalAll('SIGSTOP');
  }

  async kill(): Promise<void> {
    this.signalAll('SIGKILL');
    await this.ended;
    this.child = undefined;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs queries on a connection of their own. */
  async run<T>(queries: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return await queries(client);
    } finally {
      await client.end().catch(() => {});
    }
  }

  private get data(): string {
    return join(this.folder, 'data');
  }

  private spawn(more: readonly string[] = []): void {
    const args = ['-D', this.data, '-p', String(this.port), '-k', this.folder, '-h', this.host];
    const options = [...args, '-c', 'fsync=off', '-c', 'shared_buffers=16MB', '-c', 'max_connections=60'];
    const child = spawn(pathOf('postgres')!, [...options, ...more], {
      ...user(),
      cwd: this.folder,
      stdio: 'ignore',
      detached: true,
    });
    endWithThisProcess(child, this.folder);
    this.child = child;
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  private answers(): Promise<boolean> {
    return this.run((client) => client.query('SELECT 1')).then(
      () => true,
      () => false,
    );
  }

  /** To the server and the process of each connection, which are in sessions of their own. */
  private signalAll(signal: NodeJS.Signals): void {
    const { pid } = this.child ?? {};
    if (pid === undefined) return;
    for (const each of [pid, ...childrenOf(pid)]) {
      try {
        process.kill(each, signal);
      } catch {
        // It has just ended.
      }
    }
  }
}

function childrenOf(pid: number): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

function idOf(which: '-u' | '-g'): number {
  return Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
}
