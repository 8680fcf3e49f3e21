import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const pathTo = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it.skipIf(process.platform === 'win32')(
  'a server that a test started ends with the process of the test, though that was killed',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lifeline-'));
    const args = [pathTo('../support/run-ts.mjs'), pathTo('../support/processes/lifeline-child.ts'), folder];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const server = Number(line);
    expect(isAlive(server)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => isAlive(server), { timeout: 10_000 }).toBe(false);
    await expect.poll(() => existsSync(folder), { timeout: 10_000 }).toBe(false);
  },
);
