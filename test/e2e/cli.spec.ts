import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { DiscoverReport } from '../../lib/cli/report.js';
import { withoutPassword } from '../../lib/via/url/without-password.js';
import {
  Cluster,
  freePorts,
  nameOn,
  onLoopback,
  openOnLoopback,
  SECRET,
} from '../support/processes/cluster.js';
import { RedisServer } from '../support/providers/redis-server.js';
import { has } from '../support/requirements.mjs';

const program = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command to its end. `killAfter`: SIGINT once its output fits. */
function run(
  args: readonly string[],
  env: Record<string, string> = {},
  killAfter?: RegExp,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const clean = Object.entries(process.env).filter(([key]) => !key.startsWith('PEERAGE_'));
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...Object.fromEntries(clean), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (text: Buffer) => {
      out += text.toString();
      if (killAfter?.test(out)) child.kill('SIGINT');
    });
    child.stderr.on('data', (text: Buffer) => (err += text.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

const report = ({ out }: Outcome) => JSON.parse(out) as DiscoverReport;
const resultsOf = (outcome: Outcome) =>
  Object.fromEntries(report(outcome).dials.map(({ name, result }) => [name, result]));

describe('nestjs-peerage discover', () => {
  const cluster = new Cluster();
  const servers: Server[] = [];
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'cli-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(async () => {
    await cluster.stop();
    for (const server of servers.splice(0)) server.close();
  });

  async function listen(answer: string | undefined): Promise<number> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      if (answer !== undefined) socket.end(answer);
      else socket.unref();
    });
    servers.push(server);
    const [port = 0] = await freePorts(1);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return port;
  }

  it('dials each name and says what is there', async () => {
    const [good = 0, wrong = 0, other = 0, gone = 0] = await freePorts(4);
    const node = await cluster.start(onLoopback(good, { cluster: 'app' }));
    await cluster.start(onLoopback(wrong, { cluster: 'app', secret: 'another secret, just as long' }));
    await cluster.start(onLoopback(other, { cluster: 'other' }));
    const [silent, web] = [await listen(undefined), await listen('HTTP/1.1 400 Bad Request\r\n\r\n')];
    const names = [good, wrong, other, gone, silent, web].map((port) => nameOn(port));
    const outcome = await run(['discover', `list:${names.join(';')}`, '--json', '--timeout', '1500'], {
      PEERAGE_SECRET: SECRET,
    });
    expect(resultsOf(outcome)).toEqual({
      [nameOn(good)]: 'ok',
      [nameOn(wrong)]: 'wrong secret',
      [nameOn(other)]: 'wrong secret',
      [nameOn(gone)]: 'refused',
      [nameOn(silent)]: 'timed out',
      [nameOn(web)]: 'not peerage',
    });
    const { dials, providers } = report(outcome);
    for (const { result, hint } of dials) expect(hint === undefined).toBe(result === 'ok');
    expect(dials.find(({ name }) => name === nameOn(good))?.node).toEqual({
      name: node.name,
      bootId: node.bootId,
    });
    expect(providers).toMatchObject(
      [{ provider: 'list', names: names.toSorted() }].map(() => ({ provider: 'list' })),
    );
    expect(outcome.code).toBe(0);
    // Nobody was made a peer of.
    expect(node.ofType('peer.up')).toEqual([]);
    expect(node.ofType('peer.refused')).toEqual([]);
  });

  it('tells nodes of another cluster apart where nothing is encrypted', async () => {
    const [good = 0, other = 0] = await freePorts(2);
    await cluster.start(openOnLoopback(good, { cluster: 'app' }));
    await cluster.start(openOnLoopback(other, { cluster: 'other' }));
    const url = `list:${nameOn(good)};${nameOn(other)}`;
    const results = resultsOf(await run(['discover', url, '--json']));
    expect(results).toEqual({ [nameOn(good)]: 'ok', [nameOn(other)]: 'another cluster' });
    const reversed = resultsOf(await run(['discover', url, '--json', '--cluster', 'other']));
    expect(reversed).toEqual({ [nameOn(good)]: 'another cluster', [nameOn(other)]: 'ok' });
  });

  it('says that a secret is missing', async () => {
    const [port = 0] = await freePorts(1);
    await cluster.start(onLoopback(port, { cluster: 'app' }));
    const { out, code } = await run(['discover', `list:${nameOn(port)}`]);
    expect(code).toBe(1);
    expect(out).toMatch(/hint: .*secret/);
  });

  it('takes the secret from a file, and prints for people', async () => {
    const [port = 0] = await freePorts(1);
    await cluster.start(onLoopback(port, { cluster: 'app' }));
    const [secret, peers] = [join(folder, 'secret'), join(folder, 'peers.txt')];
    writeFileSync(secret, `${SECRET}\n`);
    writeFileSync(peers, `${nameOn(port)}\nnonsense\n`);
    const { out, code } = await run(['discover', '--secret-file', secret, `file:${peers}`]);
    expect(out).toMatch(new RegExp(`^file:${peers}: 1 name in \\d+ ms$`, 'm'));
    expect(out).toMatch(/^ {2}not a name: "nonsense"$/m);
    expect(out).toMatch(new RegExp(`^${nameOn(port)} {2}ok \\(\\d+ ms\\)$`, 'm'));
    expect(out).not.toContain(SECRET);
    expect(code).toBe(0);
  });

  it('asks several providers, each by itself, and fails when one does', async () => {
    const outcome = await run(['discover', '--no-dial', '--json', 'list:a@10.0.0.1', 'file:/no/such/file']);
    expect(report(outcome).providers).toMatchObject([
      { url: 'list:a@10.0.0.1', names: ['a@10.0.0.1'] },
      { url: 'file:/no/such/file', names: [], error: expect.stringContaining('ENOENT') },
    ]);
    expect(outcome.code).toBe(1);
    expect((await run(['discover', '--no-dial', 'list:a@10.0.0.1'])).code).toBe(0);
    const nothing = await run(['discover', `local:${join(folder, 'nobody')}`]);
    expect(nothing.code).toBe(1);
    expect(nothing.out).toMatch(/0 names.*\n {2}hint: no other process/);
  });

  it('looks where PEERAGE_VIA says, again and again, until it is stopped', async () => {
    const [port = 0] = await freePorts(1);
    const env = { PEERAGE_VIA: `list:${nameOn(port)}` };
    const { out, code } = await run(['discover', '--watch', '--json'], env, /\n.*\n/);
    expect(out.trim().split('\n').length).toBeGreaterThan(1);
    expect(code).toBe(1);
  });

  it.skipIf(!has('redis-server'))('asks a store without registering there', async () => {
    const server = await RedisServer.start();
    try {
      await server.run((redis) => redis.zadd('peerage:web', '+inf', 'web@127.0.0.1:9'));
      const outcome = await run(['discover', '--json', '--app', 'web', server.url]);
      expect(resultsOf(outcome)).toEqual({ 'web@127.0.0.1:9': 'refused' });
      expect(await server.run((redis) => redis.zrange('peerage:web', 0, '-1'))).toEqual(['web@127.0.0.1:9']);
    } finally {
      await server.stop();
    }
  });

  it.each<[string[], RegExp]>([
    [['discover'], /provider URL, or PEERAGE_VIA/],
    [['discover', 'nonsense'], /"nonsense" names no provider/],
    [['discover', 'kubernetes:a?b=c'], /parameter b/],
    [['discover', 'self:', '--timeout', 'soon'], /--timeout soon/],
    [['discover', 'self:', '--secret-file', '/no/such/file'], /secret cannot be read.*ENOENT/],
    [['discover', 'self:', '--nosuch'], /nosuch/],
    [['dicsover', 'self:'], /no command "dicsover"/],
  ])('%j is refused', async (args, why) => {
    const { code, err } = await run(args);
    expect(err).toMatch(why);
    expect(code).toBe(2);
  });

  it('explains itself', async () => {
    const { code, out } = await run(['--help']);
    expect(out).toContain('nestjs-peerage discover');
    expect(code).toBe(0);
  });
});

describe('a URL that is printed', () => {
  it.each([
    ['redis://:hunter2@h:1', 'redis://***@h:1'],
    ['postgres://me:hunter2@h/db', 'postgres://***@h/db'],
    ['dns:myapp', 'dns:myapp'],
  ])('%s has no password', (url, shown) => {
    expect(withoutPassword(url)).toBe(shown);
  });
});
