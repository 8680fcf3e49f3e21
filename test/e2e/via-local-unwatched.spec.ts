import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { viaLocal } from '../../lib/via/local/via-local.js';

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  watch: () => {
    throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' });
  },
}));

let dir: string;
const aborter = new AbortController();
const serving: Promise<void>[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'via-local-'));
});
afterEach(async () => {
  aborter.abort();
  await Promise.all(serving);
  rmSync(dir, { recursive: true });
});

function serve(name: string, bootId: string): string[] {
  const found: string[] = [];
  const self = { name, host: '127.0.0.1', port: 1, bootId: bootId.repeat(32), meta: {} };
  const context = {
    self,
    signal: aborter.signal,
    found: (names: Iterable<string>) => void found.push(...names),
  };
  serving.push(viaLocal({ dir }).serve!(context));
  return found;
}

it('finds processes in a folder that cannot be watched, well before the next refresh', async () => {
  const foundByFirst = serve('a@127.0.0.1:1001', 'a');
  await new Promise((resolve) => setTimeout(resolve, 300));
  const foundBySecond = serve('b@127.0.0.1:1002', 'b');
  await vi.waitFor(() => expect([...foundByFirst, ...foundBySecond]).toHaveLength(2), { timeout: 5_000 });
});
