import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePorts } from '../processes/cluster.js';
import { endWithThisProcess } from '../processes/lifeline.js';
import { isRoot, pathOf } from '../requirements.mjs';

/** PgBouncer before a server on loopback, where each transaction has another connection: LISTEN hears nothing. */
export class PgBouncer {
  private child: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly file: string,
    readonly url: string,
  ) {}

  static async start(serverPort: number): Promise<PgBouncer> {
    const [port = 0] = await freePorts(1);
    const folder = mkdtempSync(join(tmpdir(), 'peerage-bouncer-'));
    chmodSync(folder, 0o755);
    const file = join(folder, 'pgbouncer.ini');
    const lines = [
      '[databases]',
      `postgres = host=127.0.0.1 port=${serverPort} user=peerage`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      // 15 unless it is set, in seconds.
      'server_login_retry = 1',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const bouncer = new PgBouncer(folder, file, `postgres://peerage@127.0.0.1:${port}/postgres`);
    await bouncer.start();
    return bouncer;
  }

  /** Starts it again, and waits until it answers. */
  async start(): Promise<void> {
    const asUser = isRoot ? ['-u', 'nobody'] : [];
    this.child = spawn(pathOf('pgbouncer')!, [...asUser, this.file], { stdio: 'ignore' });
    endWithThisProcess(this.child, this.folder);
    for (let tries = 0; !(await this.answers()); tries += 1) {
      if (tries > 200) throw new Error('pgbouncer does not answer.');
      await sleep(20);
    }
  }

  async kill(): Promise<void> {
    const ended = this.child && once(this.child, 'close');
    this.child?.kill('SIGKILL');
    await ended;
  }

  stop(): void {
    this.child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
