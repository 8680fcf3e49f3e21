import { CIRCUMSTANCES } from './circumstances.js';
import { FAULTS } from './faults.js';
import { type FalseDown, Ground, type Loss } from './ground.js';

/** One cluster, one circumstance, and all faults in an order drawn from the seed. */
export interface TrialSpec {
  readonly nodes: number;
  readonly circumstance: string;
  readonly seed: number;
  /** Only these; all when left out. */
  readonly faults?: readonly string[];
}

/** What came of one fault. */
export interface FaultOutcome {
  readonly fault: string;
  /** Milliseconds until each who should was told. */
  readonly delays: readonly number[];
  /** Who was never told, for people. */
  readonly never: readonly string[];
  /** Milliseconds until all are peers again after it was mended. */
  readonly wholeMs: number;
  readonly falseDowns: readonly FalseDown[];
}

export interface TrialOutcome {
  readonly spec: TrialSpec;
  readonly faults: readonly FaultOutcome[];
  /** Of a node, a second, while nothing happens: frames and datagrams, and their bytes. */
  readonly frames: number;
  readonly bytes: number;
  /** False downs before the first fault. */
  readonly falseDowns: readonly FalseDown[];
  /** Virtual seconds. */
  readonly seconds: number;
}

/** All connections are made, and the first probes are answered. */
const SETTLE_MS = 8_000;

/** The circumstance has shown what it does. */
const USUAL_MS = 10_000;
const METERED_MS = 10_000;

/** Nobody is waited for longer. */
const HORIZON_MS = 40_000;

/** After everybody was told: does anything else come of it? */
const AFTER_MS = 3_000;

const WHOLE_MS = 30_000;

export function runTrial(spec: TrialSpec): TrialOutcome {
  const circumstance = CIRCUMSTANCES.find(({ name }) => name === spec.circumstance)!;
  const ground = new Ground(spec.nodes, spec.seed, SETTLE_MS, circumstance.before);
  circumstance.begin?.(ground);
  ground.run(USUAL_MS);
  const traffic = meter(ground, spec.nodes);
  const falseDowns = ground.falseDowns.splice(0);
  const faults = shuffled(FAULTS, ground.world.random)
    .filter(({ name }) => spec.faults?.includes(name) ?? true)
    .map(({ name, apply }): FaultOutcome => {
      circumstance.prepare?.(ground);
      const { losses, mend } = apply(ground);
      const fromMs = ground.world.nowMs;
      const { delays, never } = waitFor(ground, losses, fromMs);
      mend();
      const wholeMs = ground.untilWhole(WHOLE_MS);
      ground.run(AFTER_MS + 2_000 * ground.world.random());
      ground.spared.clear();
      return { fault: name, delays, never, wholeMs, falseDowns: ground.falseDowns.splice(0) };
    });
  return { spec, faults, ...traffic, falseDowns, seconds: ground.world.nowMs / 1_000 };
}

function waitFor(
  ground: Ground,
  losses: readonly Loss[],
  fromMs: number,
): { delays: number[]; never: string[] } {
  const delays: number[] = [];
  let waiting = losses;
  while (waiting.length > 0 && ground.world.nowMs - fromMs < HORIZON_MS) {
    ground.run(250);
    waiting = waiting.filter((loss) => {
      const atMs = ground.toldAt(loss, fromMs);
      if (atMs !== undefined) delays.push(atMs - fromMs);
      // Who was restarted meanwhile has nobody to miss.
      return atMs === undefined && loss.observer.incarnation === loss.incarnation;
    });
  }
  ground.run(AFTER_MS);
  return {
    delays,
    never: waiting.map(({ observer, gone }) => `${observer.name} never misses ${gone.slice(0, 4)}`),
  };
}

function meter(ground: Ground, nodes: number): { frames: number; bytes: number } {
  const total = (of: 'sent' | 'bytes') => ground.cluster.nodes.reduce((sum, node) => sum + node[of], 0);
  const before = { sent: total('sent'), bytes: total('bytes') };
  ground.world.isMetered = true;
  ground.run(METERED_MS);
  ground.world.isMetered = false;
  const nodeSeconds = (nodes * METERED_MS) / 1_000;
  return {
    frames: (total('sent') - before.sent) / nodeSeconds,
    bytes: (total('bytes') - before.bytes) / nodeSeconds,
  };
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const left = [...list];
  return list.map(() => left.splice(Math.floor(random() * left.length), 1)[0]!);
}
