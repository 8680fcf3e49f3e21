import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNameserver } from './nameserver.mjs';
import { NodeProcess, freePorts } from './node-process.mjs';
import { row } from './numbers.mjs';

const START_ROUNDS = 5;
const JOIN_ROUNDS = 7;
const GROUP = '239.255.77.2';
const HOSTS = ['127.0.0.1', '127.0.0.2'];
export const SECRET = 'a secret of the benchmark, long enough';

/** Nodes that know each other by a list, all told to listen at once: until the last one has all peers. */
export async function coldStart() {
  const rows = [];
  for (const [count, target] of [
    [3, undefined],
    [10, '500 ms'],
    [30, '1000 ms'],
  ]) {
    const samples = [];
    for (let round = 0; round < START_ROUNDS; round++) samples.push(await startOnce(count));
    rows.push(row(`${count} nodes (list): last one listens to full mesh`, samples, { target }));
  }
  return rows;
}

async function startOnce(count) {
  const ports = await freePorts(count);
  const list = ports.map((port) => `app@127.0.0.1:${port}`);
  const nodes = ports.map((port) => new NodeProcess(onLoopback(port, [{ list }], count - 1)));
  return endingAll(nodes, async () => {
    await Promise.all(nodes.map((node) => node.held()));
    for (const node of nodes) node.tell('start');
    const told = await Promise.all(nodes.map((node) => node.toldAt()));
    const full = await Promise.all(nodes.map((node) => node.full()));
    return Math.max(...full) - Math.max(...told);
  });
}

/** A second node beside one that runs: until each has the other. */
export async function joins() {
  const rows = [];
  const [udp = 0] = await freePorts(1);
  const via = { port: udp, multicastAddr: GROUP, ip: '127.0.0.1' };
  rows.push(await joinBy('UDP', () => ports2([{ udp: via }]), '100 ms'));
  const nameserver = await startNameserver(HOSTS);
  try {
    rows.push(await joinBy('DNS', () => onEachHost(nameserver.address)));
  } finally {
    nameserver.stop();
  }
  const dir = mkdtempSync(join(tmpdir(), 'peerage-bench-'));
  try {
    rows.push(await joinBy('local', () => ports2([{ local: { dir: join(dir, 'nodes') } }])));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return rows;
}

async function joinBy(name, configs, target) {
  const samples = [];
  for (let round = 0; round < JOIN_ROUNDS; round++) {
    const nodes = (await configs()).map((config) => new NodeProcess(config));
    samples.push(await endingAll(nodes, () => joinOnce(...nodes)));
  }
  return row(`2 nodes (${name}): second one listens to both connected`, samples, { target });
}

async function joinOnce(first, second) {
  await Promise.all([first.held(), second.held()]);
  first.tell('start');
  await first.message(({ type }) => type === 'started');
  // What the first one does at its start is over.
  await new Promise((resolve) => setTimeout(resolve, 500));
  second.tell('start');
  const full = await Promise.all([first.full(), second.full()]);
  return Math.max(...full) - (await second.toldAt());
}

async function ports2(via) {
  return (await freePorts(2)).map((port) => onLoopback(port, via, 1));
}

/** One DNS name for two nodes means one port, so each has an address of its own. */
async function onEachHost(nameserver) {
  const [port] = await freePorts(1);
  const via = [{ dns: { dnsName: 'nodes.test.', appName: 'app', port, nameservers: [nameserver] } }];
  return HOSTS.map((bind) => ({ ...onLoopback(port, via, 1), bind }));
}

export function onLoopback(port, via, tellAtPeers) {
  return { appName: 'app', secret: SECRET, bind: '127.0.0.1', port, via, tellAtPeers };
}

export async function endingAll(nodes, work) {
  try {
    return await work();
  } finally {
    await Promise.all(nodes.map((node) => node.kill()));
  }
}
