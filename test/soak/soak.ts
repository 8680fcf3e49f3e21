import { setTimeout as sleep } from 'node:timers/promises';
import type { SoakState } from './node/config.js';
import { seededRandom } from '../sim/random.js';
import { faultsOfGrowth, growthOf } from './memory.js';
import type { SoakOptions } from './options.js';
import { Report } from './report.js';
import { STEADY, SoakCluster } from './soak-cluster.js';
import { faultsOfRest, faultsOfViews, lostBetween } from './states.js';
import { TroublePlan } from './trouble.js';

const MIN_ALIVE = 3;
const PROGRESS_MS = 10_000;
const SAMPLE_MS = 2_500;
const LOOK_MS = 100;
/** So often all that trouble may befall are restarted, one after the other. */
const ROLL_EVERY_MS = 40_000;
/** Until everybody sees everybody, after the last trouble. */
const WHOLE_MS = 30_000;
/** Until everything that was sent has ended: the longest time limit, and what an unheard peer is given. */
const REST_MS = 50_000;

/** Runs it. Returns what was broken. */
export async function soak(
  { minutes, rate, seed }: SoakOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const cluster = new SoakCluster({ rate, sampleMs: SAMPLE_MS, random: seededRandom(seed + 1) });
  const report = new Report(cluster);
  signal.addEventListener('abort', () => cluster.interrupt(), { once: true });
  try {
    await cluster.start();
    report.begin();
    await trouble(cluster, new TroublePlan(random, MIN_ALIVE), report, { forMs: minutes * 60_000, signal });
    if (!signal.aborted) await finish(cluster, report, signal);
    await cluster.end();
  } catch (error) {
    if (!signal.aborted) cluster.fail(error instanceof Error ? error.message : String(error));
  } finally {
    await cluster.kill();
    cluster.take();
  }
  report.end();
  return cluster.faults;
}

/** One thing after the other befalls them. */
async function trouble(
  cluster: SoakCluster,
  plan: TroublePlan,
  report: Report,
  { forMs, signal }: { readonly forMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const endMs = performance.now() + forMs;
  let nextMs = performance.now() + plan.pauseMs();
  let progressMs = performance.now() + PROGRESS_MS;
  let rollMs = performance.now() + ROLL_EVERY_MS;
  while (performance.now() < endMs && !signal.aborted) {
    await sleep(LOOK_MS);
    cluster.take();
    if (performance.now() >= progressMs) {
      report.progress();
      progressMs += PROGRESS_MS;
    }
    if (performance.now() >= rollMs) {
      await roll(cluster, signal);
      rollMs = performance.now() + ROLL_EVERY_MS;
      progressMs = Math.max(progressMs, performance.now());
    }
    if (performance.now() < nextMs) continue;
    const next = plan.next(cluster.exposed, cluster.alive);
    if (next) cluster.begin(next);
    nextMs = performance.now() + plan.pauseMs();
  }
  report.loadEnds();
}

/** A rolling restart under load, with no other trouble: the next one when all see the last. */
async function roll(cluster: SoakCluster, signal: AbortSignal): Promise<void> {
  await cluster.calm();
  for (const node of cluster.exposed) {
    await until(cluster, signal, WHOLE_MS, faultsOfViews);
    if (signal.aborted) return;
    cluster.begin({ kind: 'roll', node, forMs: 0 });
    await cluster.calm();
  }
}

/** With no more trouble all has to become well. */
async function finish(cluster: SoakCluster, report: Report, signal: AbortSignal): Promise<void> {
  await cluster.calm();
  await until(cluster, signal, WHOLE_MS, faultsOfViews);
  for (const process of cluster.steady) {
    const growth = growthOf(process.samples);
    if (!growth) continue;
    const name = `node ${cluster.current.indexOf(process)}`;
    report.grew(name, growth, process.samples);
    for (const fault of faultsOfGrowth(name, growth)) cluster.fail(fault);
  }
  await Promise.all(cluster.current.map((process) => process.run('rest')));
  await until(cluster, signal, REST_MS, (states) => [
    ...faultsOfRest(states),
    ...lostBetween(states.slice(0, STEADY)),
  ]);
  await Promise.all(cluster.current.map((process) => process.run('exchange')));
  for (const fault of falseDowns(cluster)) cluster.fail(fault);
}

/** Waits until what nodes say of themselves is right; what is not right after that is a fault. */
async function until(
  cluster: SoakCluster,
  signal: AbortSignal,
  withinMs: number,
  faultsOf: (states: readonly SoakState[]) => string[],
): Promise<void> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const faults = faultsOf(await Promise.all(cluster.current.map((process) => process.run('state'))));
    if (faults.length === 0 || signal.aborted) return;
    if (performance.now() > endMs) {
      for (const fault of faults) cluster.fail(`at the end ${fault}`);
      return;
    }
    await sleep(LOOK_MS);
  }
}

/** Nothing ever befell them, and none may believe so. */
function falseDowns({ steady }: SoakCluster): string[] {
  const ids = steady.map(({ bootId }) => bootId);
  return steady.flatMap(({ bootId, downs }) =>
    downs
      .filter((down) => ids.includes(down.bootId))
      .map(
        (down) => `${bootId} took ${down.bootId} for down (${down.reason}): ${JSON.stringify(down.evidence)}`,
      ),
  );
}
