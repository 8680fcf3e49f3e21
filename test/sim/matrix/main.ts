import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { CIRCUMSTANCES } from './circumstances.js';
import { Row, tableOf } from './table.js';
import type { TrialOutcome, TrialSpec } from './trial.js';

/** How many seeds a size has for one of 200 nodes: each size gets about as much of the time. */
const SEEDS_A_ROUND: readonly (readonly [nodes: number, seeds: number])[] = [
  [3, 64],
  [10, 24],
  [20, 8],
  [70, 2],
  [200, 1],
];

const { values } = parseArgs({
  options: {
    matrix: { type: 'boolean' },
    nodes: { type: 'string' },
    circumstance: { type: 'string' },
    fault: { type: 'string' },
    seeds: { type: 'string' },
    first: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '13' },
    workers: { type: 'string' },
  },
});

const startedMs = performance.now();
const endMs = startedMs + Number(values.minutes) * 60_000;
const rows = new Map<string, Row>();

const sizes = SEEDS_A_ROUND.map(([nodes]) => nodes).filter(
  (nodes) => values.nodes === undefined || values.nodes.split(',').includes(`${nodes}`),
);
if (values.nodes !== undefined && sizes.length === 0) sizes.push(...values.nodes.split(',').map(Number));
const circumstances = CIRCUMSTANCES.filter(
  ({ name }) => values.circumstance === undefined || name.includes(values.circumstance),
);

function* specs(): Generator<TrialSpec> {
  const first = Number(values.first);
  const rounds = values.seeds === undefined ? Number.POSITIVE_INFINITY : 1;
  for (let round = 0; round < rounds; round++) {
    for (const nodes of sizes.toReversed()) {
      const perRound = Number(values.seeds ?? new Map(SEEDS_A_ROUND).get(nodes) ?? 1);
      for (const { name } of circumstances)
        for (let i = 0; i < perRound; i++) {
          const seed = first + round * perRound + i;
          yield { nodes, circumstance: name, seed, ...(values.fault && { faults: [values.fault] }) };
        }
    }
  }
}

function take(outcome: TrialOutcome): void {
  const { nodes, circumstance } = outcome.spec;
  const key = `${nodes} ${circumstance}`;
  const row = rows.get(key) ?? new Row(nodes, circumstance);
  rows.set(key, row);
  row.add(outcome);
}

/** Each worker has one trial at a time, until there are no more or the time is over. */
function work(queue: Iterator<TrialSpec>): Promise<void> {
  const worker = new Worker(new URL('worker.js', import.meta.url), {
    resourceLimits: { maxYoungGenerationSizeMb: 128, maxOldGenerationSizeMb: 12_000 },
  });
  return new Promise((resolve, reject) => {
    const next = (): void => {
      const { value, done } = performance.now() < endMs ? queue.next() : { done: true };
      if (done) worker.terminate().then(() => resolve(), reject);
      else worker.postMessage(value);
    };
    worker.on('error', reject);
    worker.on('message', (outcome: TrialOutcome) => {
      take(outcome);
      next();
    });
    next();
  });
}

const queue = specs();
const workers = Number(values.workers ?? availableParallelism());
await Promise.all(Array.from({ length: workers }, () => work(queue)));

const all = [...rows.values()];
for (const nodes of sizes) {
  const ofSize = all.filter((row) => row.nodes === nodes);
  if (ofSize.length > 0) console.log(`${tableOf(nodes, ofSize)}\n`);
}
const seconds = all.reduce((sum, row) => sum + row.seconds, 0);
const seeds = all.reduce((sum, row) => sum + row.seeds, 0);
console.log(
  `Seconds to detection: p50 / p99 / worst. ${seeds} clusters, ${(seconds / 3_600).toFixed(1)} virtual hours, in ${Math.round((performance.now() - startedMs) / 1_000)} s.`,
);
const findings = all.flatMap((row) => row.findings);
if (findings.length > 0) console.log(`\nBeyond the bounds:\n${findings.slice(0, 100).join('\n')}`);
const faults = all.flatMap((row) => row.faults());
console.log(faults.length === 0 ? '\nAll bounds are kept.' : `\n${faults.join('\n')}`);
process.exitCode = faults.length === 0 ? 0 : 1;
