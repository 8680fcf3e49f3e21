import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type StatusReport,
  StatusSocket,
  askSocket,
  statusDirectory,
} from '../../lib/status/status-socket.js';

const ANSWER_MS = 20_000;
const NOW = new Date(0);

/** What a node answers, as far as it matters here. */
function reportWith(meta: unknown): StatusReport {
  const peer = { name: 'b@h', connectedAt: NOW, meta };
  return { pid: 1, explanation: { names: [] }, peers: [peer], stats: { at: NOW } } as unknown as StatusReport;
}

describe('the socket that status asks', () => {
  let folder: string;
  let path: string;
  let end: (() => Promise<unknown>) | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'status-'));
    path = join(folder, '1-0123abcd.sock');
  });
  afterEach(async () => {
    await end?.();
    end = undefined;
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = (at = path) => askSocket({ pid: 1, path: at }, ANSWER_MS);

  async function listen(server: Server): Promise<void> {
    await new Promise<void>((resolve) => server.listen(path, resolve));
    end = () => new Promise((resolve) => server.close(resolve));
  }

  it('answers whatever members tell of themselves, and outlives what cannot be told', async () => {
    let meta: unknown = { big: 10n };
    const socket = new StatusSocket(() => reportWith(meta));
    await socket.open(path);
    end = () => socket.close();
    expect((await ask())!.peers).toEqual([{ name: 'b@h', connectedAt: NOW, meta: { big: '10' } }]);
    const circle: Record<string, unknown> = {};
    meta = circle['itself'] = circle;
    await expect(ask()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    meta = {};
    expect(await ask()).toBeDefined();
  });

  it('is taken away when nobody listens there any more', async () => {
    const server = createServer();
    await listen(server);
    // Whoever is killed leaves its file behind.
    renameSync(path, join(folder, 'stale'));
    await end!();
    renameSync(join(folder, 'stale'), path);
    expect(await ask()).toBeUndefined();
    expect(existsSync(path)).toBe(false);
    expect(await ask()).toBeUndefined();
  });

  it('stays when its node hangs up', async () => {
    await listen(createServer((socket) => socket.end('{"pid":1,')));
    await expect(ask()).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
      message: expect.stringContaining('may be shutting down'),
    });
    expect(existsSync(path)).toBe(true);
  });

  it('is below /tmp where a path below TMPDIR would be too long for a socket', async () => {
    expect(statusDirectory('/var/tmp/peerage-1000')).toBe('/var/tmp/peerage-1000');
    const long = statusDirectory(join('/var', 'x'.repeat(90), `peerage-${process.pid}`));
    expect(long).toBe(`/tmp/peerage-${process.pid}`);
    const socket = new StatusSocket(() => reportWith({}));
    path = join(long, '1-0123abcd.sock');
    try {
      await socket.open(path);
      expect(await ask()).toBeDefined();
    } finally {
      await socket.close();
      rmSync(long, { recursive: true, force: true });
    }
  });
});
