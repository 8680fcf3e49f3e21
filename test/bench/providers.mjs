/**
 * Time from a node's listening to being a peer of one that runs, per provider that keeps a source outside of the
 * nodes. Those of DNS, UDP and local are in `npm run bench:mesh`. Run: npm run bench:providers
 */
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRoot, pathOf } from '../support/requirements.mjs';
import { NodeProcess, freePorts } from './node-process.mjs';
import { row } from './numbers.mjs';

const ROUNDS = 7;
const SECRET = 'a secret of the benchmark, long enough';
const folder = mkdtempSync(join(tmpdir(), 'peerage-bench-'));

const rows = [];
try {
  const [redis = 0, postgres = 0] = await freePorts(2);
  rows.push(await joinBy('file', 'written when the second one listens', byFile));
  await withServer(startRedis(redis), redis, async () => {
    rows.push(await joinBy('Redis', '', () => [{ redis: { url: `redis://127.0.0.1:${redis}` } }]));
  });
  await withServer(startPostgres(postgres), postgres, async () => {
    const url = `postgres://peerage@127.0.0.1:${postgres}/postgres`;
    rows.push(await joinBy('PostgreSQL', '', () => [{ postgres: { url } }]));
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const { what, value } of rows) console.log(`${what}: ${value}`);

/** A second node beside one that runs: until each has the other. */
async function joinBy(name, remark, viaOf) {
  const samples = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const ports = await freePorts(2);
    const via = viaOf(ports);
    const nodes = ports.map((port) => new NodeProcess(options(port, via)));
    try {
      samples.push(await joinOnce(nodes, ports, via));
    } finally {
      await Promise.all(nodes.map((node) => node.kill()));
    }
  }
  return row(
    `2 nodes (${name}${remark && `, ${remark}`}): second one listens to both connected`,
    samples,
    {},
  );
}

async function joinOnce([first, second], ports, [via]) {
  await Promise.all([first.held(), second.held()]);
  first.tell('start');
  await first.message(({ type }) => type === 'started');
  await sleep(500);
  second.tell('start');
  const told = await second.toldAt();
  if (via.file) writeNames(via.file, ports);
  return Math.max(...(await Promise.all([first.full(), second.full()]))) - told;
}

function options(port, via) {
  return { appName: 'app', secret: SECRET, bind: '127.0.0.1', port, via, tellAtPeers: 1 };
}

function byFile() {
  const file = join(folder, 'peers.txt');
  writeNames(file, []);
  return [{ file }];
}

function writeNames(file, ports) {
  writeFileSync(`${file}.new`, ports.map((port) => `app@127.0.0.1:${port}\n`).join(''));
  renameSync(`${file}.new`, file);
}

function startRedis(port) {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  return spawn(pathOf('redis-server'), args, { stdio: 'ignore' });
}

/** PostgreSQL refuses to run as root. */
function startPostgres(port) {
  const data = mkdtempSync(join(tmpdir(), 'peerage-bench-pg-'));
  const id = (which) => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' }));
  const user = isRoot ? { uid: id('-u'), gid: id('-g') } : {};
  if (isRoot) chownSync(data, user.uid, user.gid);
  const init = ['-D', join(data, 'db'), '-U', 'peerage', '-A', 'trust', '--no-sync'];
  execFileSync(pathOf('initdb'), init, { ...user, cwd: data, stdio: 'ignore' });
  const args = ['-D', join(data, 'db'), '-p', String(port), '-k', data, '-h', '127.0.0.1'];
  const server = spawn(pathOf('postgres'), args, { ...user, cwd: data, stdio: 'ignore' });
  server.once('close', () => rmSync(data, { recursive: true, force: true }));
  return server;
}

async function withServer(server, port, work) {
  const ended = new Promise((resolve) => server.once('close', resolve));
  try {
    while (!(await accepts(port))) await sleep(50);
    await sleep(500);
    await work();
  } finally {
    server.kill('SIGTERM');
    const timer = setTimeout(() => server.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() !== undefined));
    socket.once('error', () => resolve(false));
  });
}
