import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster, type ClusterNode } from '../../support/processes/cluster.js';
import { REQUIREMENTS } from '../../support/requirements.mjs';
import type { NodeConfig } from '../../programs/node-config.js';
import { type Contender, contenders, type Pair } from './contenders.js';

/** What the first node does at its start is over by then. */
const SETTLED_MS = 500;

/** Between the end of a process by SIGKILL and its successor at the same address. */
const AWAY_MS = 500;

interface Times {
  readonly medianMs: number;
  readonly worstMs: number;
  readonly samplesMs: readonly number[];
}

interface Row {
  readonly title: string;
  /** A second node joins. */
  readonly join: Times;
  /** It was killed, and is back at its address. */
  readonly back: Times;
}

interface Round {
  readonly joinMs: number;
  readonly backMs: number;
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
    for (const what of ['join', 'back'] as const)
      console.error(`${row.title}, ${what}: ${row[what].samplesMs.map(Math.round).join(', ')} ms`);
  }
  console.log(values.json ? JSON.stringify(rows, null, 2) : table(rows));
}

async function measure({ title, open }: Contender, count: number): Promise<Row> {
  const rounds: Round[] = [];
  while (rounds.length < count) rounds.push(await round(open));
  return {
    title,
    join: timesOf(rounds.map(({ joinMs }) => joinMs)),
    back: timesOf(rounds.map(({ backMs }) => backMs)),
  };
}

function timesOf(samplesMs: readonly number[]): Times {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const medianMs = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { medianMs, worstMs: sorted.at(-1)!, samplesMs };
}

async function round(open: Contender['open']): Promise<Round> {
  const pair = await open();
  const cluster = new Cluster();
  try {
    const [config, ofSecond] = [await pair.node(), await pair.node()];
    const launch = (one: NodeConfig) => cluster.launch({ ...one, held: true, quiet: true, tellAtPeers: 1 });
    // All are loaded before anything is measured. The third one takes the place of the second.
    const [first, second, third] = [launch(config), launch(ofSecond), launch(ofSecond)];
    await Promise.all([first, second, third].map((node) => said(node, 'held')));
    await first.run('start');
    await first.started();
    await sleep(SETTLED_MS);
    const joinMs = await joins(first, second, pair.onSecond);
    await sleep(SETTLED_MS);
    await second.kill();
    await sleep(AWAY_MS);
    return { joinMs, backMs: await joins(first, third) };
  } finally {
    await cluster.stop();
    await pair.stop();
  }
}

/** How long after it began to listen both were peers. */
async function joins(first: ClusterNode, other: ClusterNode, onSecond?: Pair['onSecond']): Promise<number> {
  const fromMs = performance.timeOrigin + performance.now();
  await other.run('start');
  const toldAt = await said(other, 'told');
  await onSecond?.();
  return Math.max(await said(first, 'full', fromMs), await said(other, 'full')) - toldAt;
}

/** When a node said so, since a time of the wall clock. */
async function said(node: ClusterNode, type: 'held' | 'told' | 'full', fromMs = 0): Promise<number> {
  return (await node.message((message) => message.type === type && message.at >= fromMs, 60_000)).at;
}

function table(rows: readonly Row[]): string {
  const cell = ({ medianMs, worstMs }: Times) => `${Math.round(medianMs)} ms (${Math.round(worstMs)} ms)`;
  const lines = rows.map(({ title, join, back }) => `| ${title} | ${cell(join)} | ${cell(back)} |`);
  const head = '| by | a second node joins, median (worst) | one that was killed is back at its address |';
  return [head, '| --- | --- | --- |', ...lines].join('\n');
}
