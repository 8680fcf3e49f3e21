import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster, type ClusterNode } from '../../support/processes/cluster.js';
import { REQUIREMENTS } from '../../support/requirements.mjs';
import { type Contender, contenders } from './contenders.js';

/** What the first node does at its start is over by then. */
const SETTLED_MS = 500;

interface Row {
  readonly title: string;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly samplesMs: readonly number[];
}

/** Prints how long it takes until a second node is a peer, by each provider. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const { here, lacking } = contenders(values.only?.split(','));
  for (const { title, needs } of lacking) console.error(`${title}: left out, ${REQUIREMENTS[needs!].hint}`);
  const rows: Row[] = [];
  for (const contender of here) {
    const row = await measure(contender, Number(values.rounds));
    rows.push(row);
    console.error(`${row.title}: ${row.samplesMs.map(Math.round).join(', ')} ms`);
  }
  console.log(values.json ? JSON.stringify(rows, null, 2) : table(rows));
}

async function measure({ title, open }: Contender, rounds: number): Promise<Row> {
  const samplesMs: number[] = [];
  while (samplesMs.length < rounds) samplesMs.push(await joinOnce(open));
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const medianMs = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { title, medianMs, worstMs: sorted.at(-1)!, samplesMs };
}

async function joinOnce(open: Contender['open']): Promise<number> {
  const pair = await open();
  const cluster = new Cluster();
  try {
    const launch = async () =>
      cluster.launch({ ...(await pair.node()), held: true, quiet: true, tellAtPeers: 1 });
    const [first, second] = [await launch(), await launch()];
    await Promise.all([first, second].map((node) => said(node, 'held')));
    await first.run('start');
    await first.started();
    await sleep(SETTLED_MS);
    await second.run('start');
    const toldAt = await said(second, 'told');
    await pair.onSecond?.();
    return Math.max(await said(first, 'full'), await said(second, 'full')) - toldAt;
  } finally {
    await cluster.stop();
    await pair.stop();
  }
}

/** When a node said so. */
async function said(node: ClusterNode, type: 'held' | 'told' | 'full'): Promise<number> {
  return (await node.message((message) => message.type === type, 60_000)).at;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ title, medianMs, worstMs }) => `| ${title} | ${Math.round(medianMs)} ms | ${Math.round(worstMs)} ms |`,
  );
  return ['| a second node joins, by | median | worst |', '| --- | --- | --- |', ...lines].join('\n');
}
