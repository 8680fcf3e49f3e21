import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LocalEntry } from '../../lib/via/local/local-file.js';
import { ownPidSpace } from '../../lib/via/local/local-file.js';
import { viaLocal } from '../../lib/via/local/via-local.js';
import { isRoot } from '../support/requirements.mjs';
import { ViaProcess } from '../support/providers/via-process.js';

/** Well below the 10 s after which the folder is read anyway. */
const AT_ONCE_MS = 5_000;

let parent: string;
let dir: string;
const running: Node[] = [];
const processes: ViaProcess[] = [];

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'via-local-'));
  dir = join(parent, 'peers');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()));
  await Promise.all(processes.splice(0).map((child) => child.kill()));
  rmSync(parent, { recursive: true, force: true });
});

let count = 0;

/** A provider that serves in this process. */
class Node {
  readonly found: string[] = [];
  readonly bootId = (count += 1).toString(16).padStart(32, '0');
  readonly serving: Promise<void>;
  private readonly provider = viaLocal({ dir });
  private readonly aborter = new AbortController();

  constructor(readonly name: string) {
    const found = (names: Iterable<string>) => void this.found.push(...names);
    this.serving = this.provider.serve!({ ...this.context, found });
    this.serving.catch(() => {});
    running.push(this);
  }

  get context() {
    const self = { name: this.name, host: '127.0.0.1', port: 1, bootId: this.bootId, meta: {} };
    return { self, signal: this.aborter.signal };
  }

  async poll(): Promise<string[]> {
    return [...(await this.provider.poll(this.context))].sort();
  }

  async hasFound(...names: string[]): Promise<void> {
    await vi.waitFor(() => expect(this.found).toEqual(expect.arrayContaining(names)), {
      timeout: AT_ONCE_MS,
    });
  }

  async isListed(): Promise<void> {
    await vi.waitFor(() => expect(filesIn(dir)).toContain(`${this.bootId}.json`), { timeout: AT_ONCE_MS });
  }

  async stop(): Promise<void> {
    this.aborter.abort();
    await this.serving.catch(() => {});
  }
}

const filesIn = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);

async function plant(name: string, change: Partial<LocalEntry> = {}, path?: string): Promise<string> {
  const bootId = (count += 1).toString(16).padStart(32, 'f');
  const entry = { name, bootId, pid: process.pid, pidSpace: await ownPidSpace(), startedAt: 0, ...change };
  const file = path ?? join(dir, `${bootId}.json`);
  writeFileSync(file, JSON.stringify(entry));
  return file;
}

/** A process id that nobody has any more. */
function deadPid(): number {
  return Number(execFileSync(process.execPath, ['-p', 'process.pid']).toString());
}

describe('processes of one user', () => {
  it('find each other at once, whoever comes first', async () => {
    const first = new Node('a@127.0.0.1:1001');
    await first.isListed();
    const second = new Node('b@127.0.0.1:1002');
    await Promise.all([first.hasFound(second.name), second.hasFound(first.name)]);
    expect(await first.poll()).toEqual([second.name]);
  });

  it('may all start at once and make the folder at once', async () => {
    const nodes = Array.from({ length: 20 }, (_, i) => new Node(`n${i}@127.0.0.1:${2_000 + i}`));
    const names = nodes.map(({ name }) => name);
    await Promise.all(nodes.map((node) => node.hasFound(...names.filter((name) => name !== node.name))));
    expect(filesIn(dir)).toEqual(nodes.map(({ bootId }) => `${bootId}.json`).sort());
    for (const node of nodes) expect(node.found).not.toContain(node.name);
  });

  it('take their files with them when they stop', async () => {
    const node = new Node('a@127.0.0.1:1001');
    await node.isListed();
    await node.stop();
    expect(filesIn(dir)).toEqual([]);
  });

  it('that were killed are swept by the others', async () => {
    const node = new Node('a@127.0.0.1:1001');
    const killed = new ViaProcess(`local:${dir}`, 'b@127.0.0.1:1002', 'serve');
    processes.push(killed);
    await vi.waitFor(() => expect(node.found).toContain('b@127.0.0.1:1002'), { timeout: 20_000 });
    await killed.kill();
    expect(filesIn(dir)).toHaveLength(2);
    expect(await node.poll()).toEqual([]);
    expect(filesIn(dir)).toEqual([`${node.bootId}.json`]);
  });

  it('find each other after the folder was removed', async () => {
    const first = new Node('a@127.0.0.1:1001');
    await first.isListed();
    rmSync(dir, { recursive: true });
    await first.isListed();
    const second = new Node('b@127.0.0.1:1002');
    await Promise.all([first.hasFound(second.name), second.hasFound(first.name)]);
  });
});

describe('files in the folder', () => {
  let node: Node;
  beforeEach(async () => {
    node = new Node('a@127.0.0.1:1001');
    await node.isListed();
  });

  it('of a process that is gone are removed', async () => {
    const file = await plant('dead@127.0.0.1', { pid: deadPid() });
    expect(await node.poll()).toEqual([]);
    expect(existsSync(file)).toBe(false);
  });

  it('of a process with the id of a later one are removed once they are not refreshed', async () => {
    const file = await plant('reused@127.0.0.1');
    expect(await node.poll()).toEqual(['reused@127.0.0.1']);
    const longAgo = new Date(Date.now() - 61_000);
    utimesSync(file, longAgo, longAgo);
    expect(await node.poll()).toEqual([]);
    expect(existsSync(file)).toBe(false);
  });

  it('of a process with our own name are listed: a tool that looks may be called like the app', async () => {
    await plant('a@127.0.0.1:1001');
    expect(await node.poll()).toEqual(['a@127.0.0.1:1001']);
  });

  it('of a process in another container are not judged by its process id', async () => {
    await plant('elsewhere@127.0.0.1', { pid: deadPid(), pidSpace: 'another' });
    expect(await node.poll()).toEqual(['elsewhere@127.0.0.1']);
  });

  it('that are malformed, half written, foreign, or no files are skipped and left alone', async () => {
    const hex = (digit: string) => digit.repeat(32);
    writeFileSync(join(dir, 'readme.txt'), 'hello');
    writeFileSync(join(dir, `${hex('a')}.json`), '');
    writeFileSync(join(dir, `${hex('b')}.json`), '{"name":"x@h","boo');
    writeFileSync(join(dir, `${hex('c')}.json`), 'x'.repeat(100_000));
    mkdirSync(join(dir, `${hex('d')}.json`));
    await plant('linked@127.0.0.1', { bootId: hex('e') }, join(parent, 'outside.json'));
    symlinkSync(join(parent, 'outside.json'), join(dir, `${hex('e')}.json`));
    execFileSync('mkfifo', [join(dir, `${hex('9')}.json`)]);
    await plant('nohost');
    await plant('stranger@127.0.0.1', { bootId: hex('0') });
    await plant('good@127.0.0.1');
    const before = filesIn(dir);
    expect(await node.poll()).toEqual(['good@127.0.0.1']);
    expect(filesIn(dir)).toEqual(before);
    await node.hasFound('good@127.0.0.1');
    expect(node.found).toEqual(['good@127.0.0.1']);
  });

  it('can only be read by their user', () => {
    expect(lstatSync(dir).mode & 0o777).toBe(0o700);
    expect(lstatSync(join(dir, `${node.bootId}.json`)).mode & 0o777).toBe(0o600);
  });
});

describe('a folder', () => {
  const refused = async (message: RegExp) => {
    const node = new Node('a@127.0.0.1:1001');
    await expect(node.poll()).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
    await expect(node.poll()).rejects.toThrow(message);
    await expect(node.serving).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
  };

  it('that others can write to is refused', async () => {
    mkdirSync(dir);
    chmodSync(dir, 0o777);
    await refused(/chmod 700/);
    expect(filesIn(dir)).toEqual([]);
  });

  it('that is a symbolic link is refused', async () => {
    mkdirSync(join(parent, 'real'), { mode: 0o700 });
    symlinkSync(join(parent, 'real'), dir);
    await refused(/symbolic link/);
    expect(filesIn(join(parent, 'real'))).toEqual([]);
  });

  it('that is a file is refused', async () => {
    writeFileSync(dir, '');
    await refused(/folder/);
  });

  it.skipIf(!isRoot)('of another user is refused', async () => {
    mkdirSync(dir, { mode: 0o700 });
    execFileSync('chown', ['65534', dir]);
    await refused(/another user/);
    expect(filesIn(dir)).toEqual([]);
  });
});
