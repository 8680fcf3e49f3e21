import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalDirectory } from '../../../../lib/via/local/local-directory.js';
import { entryFileName, ownPidSpace, writeEntry } from '../../../../lib/via/local/local-file.js';
import { LocalSession } from '../../../../lib/via/local/local-session.js';

const AT_ONCE = 30;
const NODES = 10;
const idOf = (number: number) => number.toString(16).padStart(32, '0');

describe('a folder with more files of others, which are named like those of nodes, than are read at once', () => {
  let dir: string;
  let pidSpace: string;
  const names: string[] = [];
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'many-files-'));
    pidSpace = await ownPidSpace();
    const longAgo = new Date(Date.now() - 3_600_000);
    const foreign = (id: string) => {
      const file = join(dir, entryFileName(id));
      writeFileSync(file, '{}');
      utimesSync(file, longAgo, longAgo);
    };
    names.length = 0;
    // In whatever order the folder is read, many are read before the last node.
    for (let i = 0; i < 40; i++) foreign(idOf(i));
    for (let i = 0; i < NODES; i++) {
      names.push(`app@127.0.0.1:${4_000 + i}`);
      const node = { name: names[i]!, bootId: idOf(1_000 + i), pid: process.pid, pidSpace, startedAt: 1 };
      await writeEntry(dir, node);
    }
    for (let i = 40; i < 80; i++) foreign(idOf(i));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('shows its nodes after a few polls: files of others are read once', async () => {
    const folder = new LocalDirectory(dir, AT_ONCE);
    const poll = async () =>
      (await folder.liveEntries(await folder.files(), pidSpace)).map(({ name }) => name);
    for (let i = 0; i < 80 / (AT_ONCE - NODES); i++) await poll();
    expect((await poll()).sort()).toEqual(names.toSorted());
    expect(await folder.files()).toHaveLength(NODES);
  });

  it('is told of', async () => {
    const aborter = new AbortController();
    const self = { name: 'app@127.0.0.1:1', host: '127.0.0.1', port: 1, bootId: idOf(5_000), meta: {} };
    const context = { self, signal: aborter.signal, found: () => undefined };
    let running: Promise<void> | undefined;
    const told = await new Promise<string>((resolve, reject) => {
      const session = new LocalSession(new LocalDirectory(dir, AT_ONCE), { ...context, warn: resolve });
      running = session.run();
      running.catch(reject);
    });
    aborter.abort();
    await running;
    expect(told).toMatch(/many-files-.* has more than 30 files that are named .* a folder of its own\.$/);
  });
});
