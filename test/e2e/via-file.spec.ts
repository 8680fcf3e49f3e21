import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { viaFile } from '../../lib/index.js';
import { ConfigMapFile } from '../support/providers/config-map.js';

/** Below the time after which the file is looked at anyway, so that the watcher must have seen it. */
const AT_ONCE_MS = 1_500;

let folder: string;
let file: string;
let aborter: AbortController;
let serving: Promise<void>;
let found: string[];

const self = { name: 'a@127.0.0.1', bootId: '1', host: '127.0.0.1', port: 4370, meta: {} };
const poll = async (path = file) => viaFile(path).poll({ self, signal: AbortSignal.timeout(5_000) });

function serve(path = file): void {
  serving = viaFile(path).serve!({
    self,
    signal: aborter.signal,
    found: (names) => void found.push(...names),
  });
}

async function finds(name: string, timeout = AT_ONCE_MS): Promise<void> {
  await vi.waitFor(() => expect(found).toContain(name), { timeout, interval: 10 });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'via-file-'));
  file = join(folder, 'peers.txt');
  aborter = new AbortController();
  serving = Promise.resolve();
  found = [];
});
afterEach(async () => {
  aborter.abort();
  await serving;
  rmSync(folder, { recursive: true, force: true });
});

describe('a file of names', () => {
  it('is read as it is, malformed names included: who polls skips and reports those', async () => {
    writeFileSync(file, 'b@h\nnonsense\n# c@h\n');
    expect(await poll()).toEqual(['b@h', 'nonsense']);
    writeFileSync(file, '["b@h"]');
    expect(await poll()).toEqual(['b@h']);
  });

  it.each<[string, () => void, RegExp]>([
    ['is missing', () => {}, /ENOENT/],
    ['is a folder', () => mkdirSync(file), /no file/],
    ['is a pipe', () => execFileSync('mkfifo', [file]), /no file/],
    ['is half an array', () => writeFileSync(file, '["b@h", '), /being written/],
    [
      'is huge',
      () => {
        writeFileSync(file, '');
        truncateSync(file, 5_000_000);
      },
      /bytes/,
    ],
  ])('fails the poll when it %s', async (_how, make, why) => {
    make();
    const polling = poll();
    await expect(polling).rejects.toMatchObject({ code: 'PROVIDER_FAILED' });
    await expect(polling).rejects.toThrow(why);
    await expect(polling).rejects.toThrow(file);
  });

  it('is read when whoever writes it is done', async () => {
    writeFileSync(file, 'b@h\nc@10.0.0.1');
    setTimeout(() => appendFileSync(file, '23\nd@h\n'), 20);
    expect(await poll()).toEqual(['b@h', 'c@10.0.0.123', 'd@h']);
  });

  it('is read though its time is in the future', async () => {
    writeFileSync(file, 'b@h');
    utimesSync(file, new Date(Date.now() + 1e9), new Date(Date.now() + 1e9));
    expect(await poll()).toEqual(['b@h']);
  });
});

describe('a watched file', () => {
  it('may come later', async () => {
    serve();
    await new Promise((resolve) => setTimeout(resolve, 100));
    writeFileSync(file, 'b@h\n');
    await finds('b@h');
  });

  it('may be written to in place, and tells each name once', async () => {
    writeFileSync(file, 'b@h\n');
    serve();
    await finds('b@h');
    appendFileSync(file, 'c@h\n');
    await finds('c@h');
    expect(found).toEqual(['b@h', 'c@h']);
  });

  it('may be replaced, again and again', async () => {
    writeFileSync(file, 'b0@h\n');
    serve();
    await finds('b0@h');
    for (const name of ['b1@h', 'b2@h', 'b3@h']) {
      writeFileSync(`${file}.new`, `${name}\n`);
      renameSync(`${file}.new`, file);
      await finds(name);
    }
  });

  it('may be removed and come back, and be written in two halves', async () => {
    writeFileSync(file, '["b@h"]');
    serve();
    await finds('b@h');
    rmSync(file);
    await new Promise((resolve) => setTimeout(resolve, 100));
    writeFileSync(file, '["b@h", "c');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(found).toEqual(['b@h']);
    appendFileSync(file, '@h"]');
    await finds('c@h');
  });

  it('may be in a ConfigMap: a link through a link to a folder that is swapped', async () => {
    const map = new ConfigMapFile(folder);
    map.write('b@h\n');
    serve(map.path);
    await finds('b@h');
    expect(await poll(map.path)).toEqual(['b@h']);
    map.write('c@h\n');
    await finds('c@h');
    map.write('d@h\n', { kept: true });
    await finds('d@h');
    expect(await poll(map.path)).toEqual(['d@h']);
  });

  it('may be in a folder that is removed and made anew', async () => {
    const inner = join(folder, 'inner');
    const path = join(inner, 'peers.txt');
    mkdirSync(inner);
    writeFileSync(path, 'b@h\n');
    serve(path);
    await finds('b@h');
    rmSync(inner, { recursive: true });
    mkdirSync(inner);
    writeFileSync(path, 'c@h\n');
    await finds('c@h', 10_000);
    writeFileSync(path, 'd@h\n');
    await finds('d@h', 10_000);
  });

  it('may be behind a link whose target is elsewhere', async () => {
    const target = join(folder, 'elsewhere');
    mkdirSync(target);
    writeFileSync(join(target, 'names'), 'b@h\n');
    symlinkSync(join(target, 'names'), file);
    serve();
    await finds('b@h');
    writeFileSync(join(target, 'names'), 'c@h\n');
    await finds('c@h', 10_000);
  });
});
