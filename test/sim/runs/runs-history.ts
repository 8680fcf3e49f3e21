import { keyText } from '../../../lib/runs/core/run.types.js';
import type { RunDirective, RunKey, RunRules } from '../../../lib/runs/core/run.types.js';
import { JOB, RunsNode, rulesOf } from './runs-node.js';
import { RunsWorld } from './runs-world.js';
import type { RunRecord } from './runs-world.js';

export type RunsKind = 'calm' | 'deaths' | 'rerun' | 'quorum' | 'store' | 'split' | 'thaw';

const PERIOD_MS = 5_000;
/** What is due within this comes to every clock while the history lasts. */
const LENGTH_MS = 120_000;
/** What is due after this may not be decided when a history ends. */
const TAIL_MS = 100_000;
const MAX_NODES = 5;

const RULES: Readonly<Record<RunsKind, Partial<RunRules>>> = {
  calm: {},
  deaths: {},
  rerun: { onLoss: 'rerun' },
  quorum: {},
  store: { isStored: true },
  split: {},
  thaw: { onLoss: 'rerun' },
};

/** What happens in a history, and how often. */
const FAULTS: Readonly<Record<RunsKind, readonly (keyof typeof acts)[]>> = {
  calm: ['join', 'leave', 'block'],
  deaths: ['join', 'leave', 'block', 'kill', 'freeze'],
  rerun: ['join', 'leave', 'block', 'kill', 'killAtWork', 'freeze', 'split'],
  // More come than go, so that there is a majority most of the time.
  quorum: ['join', 'join', 'join', 'leave', 'block', 'kill', 'freeze', 'split', 'split'],
  store: ['join', 'leave', 'block', 'kill', 'freeze', 'split', 'split', 'storeDown'],
  split: ['split'],
  thaw: ['freeze', 'block'],
};

const acts = {
  join: ({ world, add }: Play) => {
    if (count(world) < MAX_NODES) add();
  },
  leave: ({ world }: Play) => someOf(world, (node) => world.leave(node)),
  block: ({ world }: Play) => someOf(world, (node) => world.block(node, world.between(200, 20_000))),
  kill: ({ world }: Play) => someOf(world, (node) => world.kill(node)),
  /** In the middle of the next run. */
  killAtWork: ({ world }: Play) => {
    world.onNextRun = (node) =>
      world.after(world.between(0, 300), () => {
        if (alive(world).some((other) => other !== node && other.hasJob)) world.kill(node);
      });
  },
  freeze: ({ world }: Play) => someOf(world, (node) => world.freeze(node, world.between(500, 30_000))),
  split: ({ world }: Play) => {
    const group = alive(world).filter(() => world.random() < 0.5);
    world.split(group, world.between(500, 40_000));
  },
  storeDown: ({ world }: Play) => {
    world.isStoreDown = true;
    world.after(world.between(100, 10_000), () => (world.isStoreDown = false));
  },
} as const;

interface Play {
  readonly world: RunsWorld;
  readonly add: () => void;
}

const count = ({ nodes }: RunsWorld): number => nodes.filter(({ state }) => state !== 'dead').length;

const alive = ({ nodes }: RunsWorld): RunsNode[] =>
  nodes.filter(({ state, isLeaving }) => state !== 'dead' && !isLeaving);

/** One that runs, while another one with the job is left. */
function someOf(world: RunsWorld, act: (node: RunsNode) => void): void {
  const nodes = alive(world).filter(({ state, isSettled }) => state === 'running' && isSettled);
  const node = nodes[world.between(0, nodes.length - 1)];
  if (node && nodes.some((other) => other !== node && other.hasJob)) act(node);
}

export interface History {
  /** What it did against its promise. */
  readonly faults: readonly string[];
  /** How many due times had to be looked at, and how many of them were run. */
  readonly due: number;
  readonly run: number;
  readonly twice: number;
}

/** Plays one history. */
export function playRuns(kind: RunsKind, seed: number): History {
  const world = new RunsWorld(seed, PERIOD_MS, kind === 'quorum' || kind === 'store' ? 3_000 : 60_000);
  const spread = world.random() < 0.5;
  // As while a rolling update changes it.
  const isMixed = world.random() < 0.6;
  const quorum = kind === 'quorum' ? Math.floor(MAX_NODES / 2) + 1 : 1;
  let named = 0;
  // A quorum needs clocks that are about right.
  const skewMs = kind === 'quorum' ? 2_000 : world.random() < 0.5 ? 200 : 100_000;
  const add = (): void => {
    const hasJob = named < 2 || world.random() < 0.7;
    const skew = world.between(-skewMs, skewMs);
    const rules = rulesOf({ ...RULES[kind], spread: isMixed ? world.random() < 0.5 : spread });
    world.join(new RunsNode(`n${named++}`, world, hasJob, skew, rules, quorum));
  };
  for (let i = quorum > 1 ? MAX_NODES : world.between(2, 4); i > 0; i--) add();
  world.advance(5_000);
  const startMs = world.nowMs;
  while (world.nowMs < startMs + LENGTH_MS + 2 * skewMs) {
    world.advance(world.between(500, 15_000));
    const names = FAULTS[kind];
    acts[names[world.between(0, names.length - 1)]!]({ world, add });
  }
  // Clocks that are behind come to what was due last.
  world.advance(2 * skewMs + TAIL_MS);
  const dues = [...keysBetween(startMs + skewMs, startMs + skewMs + LENGTH_MS)];
  const timesOf = (dueMs: number): number => world.runs.get(keyText({ job: JOB, dueMs }))?.by.length ?? 0;
  return {
    faults: faultsOf(kind, world, dues),
    due: dues.length,
    run: dues.filter((dueMs) => timesOf(dueMs) > 0).length,
    twice: dues.filter((dueMs) => timesOf(dueMs) > 1).length,
  };
}

function faultsOf(kind: RunsKind, world: RunsWorld, dues: readonly number[]): string[] {
  const faults: string[] = [];
  const tell = (what: string, { key, by, claimedBy }: RunRecord): void => {
    const who = `run by ${by.join(', ')}; claimed by ${[...claimedBy].join(', ')}`;
    faults.push(`${keyText(key)} ${what}: ${who}`);
    if (faults.length === 1) faults.push(...timelineOf(world, key));
  };
  for (const record of world.runs.values()) {
    const isTwice = record.by.length > 1;
    const isTold = kind === 'split' || kind === 'thaw';
    // Without a store or a majority, a run is known for as long as one that has heard of it lives, and is not stopped.
    const isExcused = kind === 'deaths' && record.isForgotten;
    if (isTwice && !isTold && kind !== 'rerun' && !isExcused) tell('was run twice', record);
    if (new Set(record.by).size < record.by.length) tell('was run twice by one node', record);
    const untold = world.nodes.filter(({ id }) => !world.tellersOf(record.key).has(id));
    if (isTwice && isTold && untold.length > 0)
      tell(`was run twice, which ${untold.map(({ id }) => id).join(', ')} did not tell`, record);
  }
  if (kind === 'quorum' || kind === 'store') return faults;
  for (const dueMs of dues) {
    const key = { job: JOB, dueMs };
    const record = world.recordOf(key);
    // What its node could not finish, another one has to, with `rerun`.
    const { by, doneBy } = record;
    const times = kind === 'rerun' || kind === 'thaw' ? doneBy.length : by.length;
    if (times === 0 && mustBeRun(kind, world, record)) tell('was not run', record);
  }
  return faults;
}

/** What all nodes did about one run. */
function timelineOf({ nodes }: RunsWorld, key: RunKey): string[] {
  const steps = nodes.flatMap(({ id, events }) =>
    events
      .filter(
        ({ directive }) =>
          JSON.stringify(directive).includes(`"dueMs":${key.dueMs},`) ||
          JSON.stringify(directive).includes(`"dueMs":${key.dueMs}}`),
      )
      .map(({ atMs, directive }) => ({ atMs, text: `${atMs % 1e7} ${id} ${describe(directive)}` })),
  );
  return steps.sort((a, b) => a.atMs - b.atMs).map(({ text }) => text);
}

function describe(directive: RunDirective): string {
  switch (directive.type) {
    case 'ask':
      return `asks ${directive.to}: ${directive.question.type}`;
    case 'tell':
      return `tells ${directive.to ?? 'all'}: ${directive.news
        .map(({ word }) => word)
        .slice(0, 3)
        .join(' ')}`;
    case 'skip':
      return `skips: ${directive.reason} ${directive.by ?? ''}`;
    default:
      return directive.type;
  }
}

/** It came to a node that lived on; and who wanted it did not end with it. */
function mustBeRun(kind: RunsKind, { nodes }: RunsWorld, { key, claimedBy }: RunRecord): boolean {
  const isWhole = ({ wasTroubled }: RunsNode): boolean => !wasTroubled;
  const came = nodes.filter((node) => node.state === 'running' && node.ticked.has(keyText(key)));
  if (kind === 'rerun' || kind === 'thaw') return came.length > 0;
  return came.length > 0 && nodes.filter(({ id }) => claimedBy.has(id)).every(isWhole);
}

function* keysBetween(fromMs: number, toMs: number): Generator<number> {
  for (let ms = Math.ceil(fromMs / PERIOD_MS) * PERIOD_MS; ms < toMs; ms += PERIOD_MS) yield ms;
}
