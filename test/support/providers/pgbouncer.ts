import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
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
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
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
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const asUser = isRoot ? ['-u', 'nobody'] : [];
    const child = spawn(pathOf('pgbouncer')!, [...asUser, file], { stdio: 'ignore' });
    endWithThisProcess(child, folder);
    const bouncer = new PgBouncer(child, folder, `postgres://peerage@127.0.0.1:${port}/postgres`);
    for (let tries = 0; !(await bouncer.answers()); tries += 1) {
      if (tries > 200) throw new Error('pgbouncer does not answer.');
      await sleep(20);
    }
    return bouncer;
  }

  stop(): void {
    this.child.kill('SIGKILL');
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
