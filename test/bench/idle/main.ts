import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Host, Lab } from '../../support/net/net-lab.js';
import { startProgram, stopPrograms, type Program } from '../../support/processes/programs.js';
import { has } from '../../support/requirements.mjs';

const SECRET = 'a secret of the benchmark, long enough';
const FIRST_PORT = 20_000;
const SEEDS = 3;
/** Clock ticks a second, of the times in /proc/<pid>/stat. */
const TICKS = 100;

/** What a cluster uses, and what its one node in a process of its own does. */
interface Sample {
  readonly bytes: number;
  readonly packets: number;
  readonly messages: number;
  readonly datagrams: number;
  readonly cpuSeconds: number;
  readonly loneCpuSeconds: number;
}

interface Memory {
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** Prints what nodes cost that do nothing but know of each other. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      nodes: { type: 'string', default: '10,50,100,200' },
      seconds: { type: 'string', default: '60' },
      'per-process': { type: 'string', default: '20' },
    },
  });
  if (!has('netns'))
    throw new Error('It needs network namespaces: run it as root, with iproute2 and nftables.');
  const seconds = Number(values.seconds);
  const alone = await measure(2, { seconds: 5, perProcess: 1 });
  const lines = [];
  for (const count of values.nodes.split(',').map(Number)) {
    const perProcess = count <= 10 ? 1 : Number(values['per-process']);
    const { sample, memory } = await measure(count, { seconds, perProcess });
    lines.push(lineOf(count, perProcess, { seconds, sample, memory, alone: alone.memory }));
    console.error(lines.at(-1));
  }
  console.log(`\n${[...HEAD, ...lines].join('\n')}`);
}

/** Starts so many nodes in a namespace of their own, waits until they are idle, and measures. */
async function measure(
  count: number,
  { seconds, perProcess }: { seconds: number; perProcess: number },
): Promise<{ sample: Sample; memory: Memory }> {
  const lab = await Lab.open(1);
  const programs: Program[] = [];
  try {
    const [host] = lab.hosts;
    await countSent(host!);
    await startAll(host!, count, perProcess, programs);
    // The trials of the first probes are over, and the ring is drawn.
    await sleep(15_000);
    const before = await readAll(host!, programs);
    await sleep(seconds * 1_000);
    const sample = difference(before, await readAll(host!, programs));
    return { sample, memory: await loadOf(programs[0]!) };
  } finally {
    await stopPrograms(programs);
    await lab.close();
  }
}

/** The first process has one node. Each process joins the ones before it: TLS handshakes take their time. */
async function startAll(host: Host, count: number, perProcess: number, programs: Program[]): Promise<void> {
  const ports = Array.from({ length: count }, (_, i) => FIRST_PORT + i);
  const seeds = ports.slice(0, SEEDS).map((port) => `app@127.0.0.1:${port}`);
  const groups = [ports.slice(0, 1)];
  for (let i = 1; i < count; i += perProcess) groups.push(ports.slice(i, i + perProcess));
  let started = 0;
  for (const group of groups) {
    const config = JSON.stringify({ ports: group, seeds, secret: SECRET });
    const program = startProgram('many-nodes', {
      args: [config],
      nodeArgs: ['--expose-gc'],
      namespace: host.namespace,
    });
    programs.push(program);
    await program.line(/"started"/, { timeoutMs: 120_000 });
    started += group.length;
    await whole(program, started - 1);
    console.error(
      `${started} of ${count} nodes are a mesh after ${(performance.now() / 1_000).toFixed(0)} s`,
    );
  }
  for (const program of programs) await whole(program, count - 1);
}

async function whole(program: Program, peers: number): Promise<void> {
  const from = program.lines.length;
  program.write(`wait ${peers}`);
  await program.line(/"whole"/, { from, timeoutMs: 600_000 });
}

async function loadOf(program: Program): Promise<Memory> {
  const from = program.lines.length;
  program.write('load');
  const [line] = await program.line(/^.*"load".*$/, { from });
  return JSON.parse(line) as Memory;
}

/** Counts segments with data in them, one a write mostly, and datagrams. */
async function countSent(host: Host): Promise<void> {
  const rules = ['tcp flags & psh == psh counter name messages', 'meta l4proto udp counter name datagrams'];
  const chain = `chain output {\ntype filter hook output priority 0\n${rules.join('\n')}\n}`;
  const table = `table inet idle {\ncounter messages { }\ncounter datagrams { }\n${chain}\n}\n`;
  await host.exec(['nft', '-f', '-'], { input: table });
}

async function readAll(host: Host, programs: readonly Program[]): Promise<Sample> {
  const counters = await host.exec(['nft', 'list', 'counters']);
  const packetsOf = (name: string) =>
    Number(new RegExp(`counter ${name} \\{\\s+packets (\\d+)`).exec(counters)?.[1] ?? 0);
  const lo = /lo:\s*(\d+)\s+(\d+)/.exec(readFileSync(`/proc/${programs[0]!.pid}/net/dev`, 'utf8'))!;
  const cpu = programs.map(({ pid }) => cpuSecondsOf(pid));
  return {
    bytes: Number(lo[1]),
    packets: Number(lo[2]),
    messages: packetsOf('messages'),
    datagrams: packetsOf('datagrams'),
    cpuSeconds: cpu.reduce((sum, each) => sum + each, 0),
    loneCpuSeconds: cpu[0]!,
  };
}

/** User and system time of all threads. */
function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function difference(before: Sample, after: Sample): Sample {
  const names = Object.keys(before) as (keyof Sample)[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as Sample;
}

const HEAD = [
  '| nodes | per process | KB/s each way per node | messages/s sent per node | datagrams/s | packets/s | CPU per node | CPU of a node alone in its process | RSS of that one | RSS per peer | heap per peer |',
  `|${' --- |'.repeat(11)}`,
];

function lineOf(
  count: number,
  perProcess: number,
  { seconds, sample, memory, alone }: { seconds: number; sample: Sample; memory: Memory; alone: Memory },
): string {
  const perNode = (total: number) => total / seconds / count;
  // Two processes differ by more than a few peers take.
  const perPeer = (bytes: keyof Memory) =>
    count < 50 ? '-' : `${((memory[bytes] - alone[bytes]) / (count - 2) / 1024).toFixed(0)} KiB`;
  const cells = [
    count,
    perProcess,
    (perNode(sample.bytes) / 1_000).toFixed(2),
    perNode(sample.messages).toFixed(1),
    perNode(sample.datagrams).toFixed(2),
    perNode(sample.packets).toFixed(1),
    `${(perNode(sample.cpuSeconds) * 100).toFixed(2)} %`,
    `${((sample.loneCpuSeconds / seconds) * 100).toFixed(2)} %`,
    `${(memory.rssBytes / 1024 / 1024).toFixed(0)} MiB`,
    perPeer('rssBytes'),
    perPeer('heapBytes'),
  ];
  return `| ${cells.join(' | ')} |`;
}
