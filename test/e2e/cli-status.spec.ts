import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DiscoverReport } from '../../lib/cli/report.js';
import { findSockets } from '../../lib/status/status-socket.js';
import {
  Cluster,
  type ClusterNode,
  freePorts,
  fullMesh,
  nameOn,
  onLoopback,
  SECRET,
} from '../support/processes/cluster.js';

const program = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

const PATIENCE = { timeout: 10_000, interval: 100 };

interface Outcome {
  readonly code: number | null;
  readonly out: string;
}

describe('nestjs-peerage, beside two nodes that run', () => {
  const cluster = new Cluster();
  let temporary: string;
  let folder: string;
  let nodes: ClusterNode[];
  let ports: number[];

  beforeAll(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'status-'));
    folder = join(temporary, `peerage-${process.getuid!()}`);
    ports = await freePorts(3);
    const via = [{ local: {} }];
    const start = (port: number) =>
      cluster.start(onLoopback(port, { via, cluster: 'app' }), { env: { TMPDIR: temporary } });
    nodes = await Promise.all(ports.slice(0, 2).map(start));
    await fullMesh(nodes);
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(temporary, { recursive: true, force: true });
  });

  function run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const clean = Object.entries(process.env).filter(([key]) => !key.startsWith('PEERAGE_'));
      const child = spawn(process.execPath, [program, ...args], {
        env: { ...Object.fromEntries(clean), TMPDIR: temporary, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let out = '';
      child.stdout.on('data', (text: Buffer) => (out += text.toString()));
      child.stderr.on('data', (text: Buffer) => (out += text.toString()));
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, out }));
    });
  }

  it('status asks each of them, by a socket of the user alone', async () => {
    // Nothing waits for the socket, the node neither.
    const sockets = await vi.waitFor(async () => {
      const found = await findSockets(folder);
      expect(new Set(found.map(({ pid }) => pid))).toEqual(new Set(nodes.map(({ pid }) => pid)));
      return found;
    }, PATIENCE);
    for (const { path } of sockets) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const { code, out } = await run(['status']);
    expect(code).toBe(0);
    for (const { name } of nodes) expect(out).toContain(`${name} (`);
    // Of the first poll: whoever came later was told of by the folder itself.
    expect(out).toMatch(/local: [01] names?, /);
    expect(out).toMatch(/messages: \d+ sent, \d+ received; /);
  });

  it('status of one of them, for programs', async () => {
    const [a, b] = nodes;
    const { out } = await run(['status', String(a!.pid), '--json']);
    expect(JSON.parse(out)).toMatchObject([
      {
        pid: a!.pid,
        report: {
          explanation: { state: 'running', self: { name: a!.name } },
          peers: [{ name: b!.name }],
          stats: { peers: { up: 1 } },
        },
      },
    ]);
    expect(await run(['status', 'nobody'])).toMatchObject({
      code: 1,
      out: expect.stringContaining('No node "nobody"'),
    });
  });

  it('status says that a node is blocked, and sweeps what a killed one left behind', async () => {
    const victim = await cluster.start(onLoopback(ports[2]!, { cluster: 'other' }), {
      env: { TMPDIR: temporary },
    });
    // Nothing waits for the socket, the node neither.
    await vi.waitFor(async () =>
      expect((await findSockets(folder)).map(({ pid }) => pid)).toContain(victim.pid),
    );
    victim.program.signal('SIGSTOP');
    // By its process, and by its name, which it cannot tell: it may be the one.
    for (const which of [String(victim.pid), victim.name])
      expect(await run(['status', which, '--timeout', '500'])).toMatchObject({
        code: 1,
        out: expect.stringMatching(
          new RegExp(`^process ${victim.pid}: .*its event loop is blocked, or the process`),
        ),
      });
    await victim.program.kill();
    expect((await run(['status', '--json'])).out).not.toContain(String(victim.pid));
    expect(await findSockets(folder)).toHaveLength(2);
  });

  it('discover finds every process of local:, by TCP and UDP', async () => {
    const args = ['discover', 'local:', '--strict', '--json', '--cluster', 'app'];
    const { code, out } = await run(args, { PEERAGE_SECRET: SECRET });
    const { dials } = JSON.parse(out) as DiscoverReport;
    const names = nodes.map(({ name }) => name).sort();
    expect(dials.map(({ name, result, udp }) => ({ name, result, udp }))).toEqual(
      names.map((name) => ({ name, result: 'ok', udp: 'ok' })),
    );
    expect(code).toBe(0);
    const gone = `list:${nodes[0]!.name};${nameOn(1)}`;
    expect((await run(['discover', gone, '--cluster', 'app'], { PEERAGE_SECRET: SECRET })).code).toBe(0);
    expect(
      (await run(['discover', gone, '--strict', '--cluster', 'app'], { PEERAGE_SECRET: SECRET })).code,
    ).toBe(1);
  });

  it('doctor looks at this host, and at what can be reached from it', async () => {
    const [a] = nodes;
    const env = { PEERAGE_SECRET: SECRET, PEERAGE_PORT: String(ports[0]), PEERAGE_BIND: '127.0.0.1' };
    const well = await run(['doctor', '--cluster', 'app', '--peer', a!.name, 'local:'], env);
    expect(well.out).toMatch(/ ok {3}Node\.js: /);
    expect(well.out).toMatch(/ ok {3}secret: \d+ bytes, fingerprint [0-9a-f]{6}/);
    expect(well.out).toMatch(new RegExp(` ok {3}TCP port 127\\.0\\.0\\.1:${ports[0]}: taken, by ${a!.name}`));
    expect(well.out).toContain('address: peers are told 127.0.0.1: it is the address that is listened on');
    expect(well.out).toContain(` ok   TCP to ${a!.name}: connected, authenticated`);
    expect(well.out).toContain(` ok   UDP to ${a!.name}: a probe was answered`);
    expect(well.code).toBe(0);
    const wrong = await run(['doctor', '--peer', a!.name, '--cluster', 'app'], {
      PEERAGE_SECRET: 'aaaaaaaaaaaaaaaabbbb',
    });
    expect(wrong.out).toMatch(/WARN {2}secret: .*\n {7}do: it has only 2 different characters/);
    expect(wrong.out).toMatch(/FAIL {2}TCP to .*wrong secret/);
    expect(wrong.code).toBe(1);
  });

  it('doctor says that a port is taken by something else', async () => {
    const socket = createSocket('udp4');
    const port = await new Promise<number>((resolve) =>
      socket.bind(0, '127.0.0.1', () => resolve(socket.address().port)),
    );
    try {
      const env = { PEERAGE_PORT: String(port), PEERAGE_BIND: '127.0.0.1' };
      const { out, code } = await run(['doctor'], env);
      expect(out).toMatch(new RegExp(`FAIL {2}UDP port 127\\.0\\.0\\.1:${port}: taken by another process`));
      expect(out).toMatch(/WARN {2}protection: none: a node listens on loopback only/);
      expect(code).toBe(1);
    } finally {
      socket.close();
    }
  });

  it('tells its version', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, out: `${version}\n` });
  });
});
