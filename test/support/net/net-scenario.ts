import { afterAll, beforeAll, it } from 'vitest';
import type { NodeConfig } from '../../programs/node-config.js';
import type { NodeOptions } from '../processes/cluster.js';
import { Lab } from './net-lab.js';
import { LabNodes } from './net-nodes.js';
import { report } from './net-report.js';

/** The times of the fault matrix in full; otherwise a short form of each row. */
export const isFull = process.env.PEERAGE_NET_FULL === '1';

const TIMEOUT_MS = isFull ? 30 * 60_000 : 240_000;

/** One row of the fault matrix. */
export interface Scenario {
  readonly fault: string;
  readonly expectation: string;
  /** Hosts, each with a node. */
  readonly hosts: number;
  readonly config?: NodeConfig;
  /** How the node of a host is started. */
  readonly optionsOf?: (index: number) => NodeOptions;
  /** What is wrong with the network from the beginning. */
  readonly before?: (lab: Lab) => Promise<void>;
  /** Does harm, checks what comes of it, and says what was measured. `note` keeps figures of a failure. */
  readonly run: (nodes: LabNodes, note: (measured: string) => void) => Promise<void>;
}

/**
 * Runs scenarios at once, each in namespaces of its own. All nodes are a mesh before the first of them begins:
 * processes that start take the time of those that are measured.
 */
export function sideBySide(scenarios: readonly Scenario[]): void {
  const runs = new Map<Scenario, Promise<void>>();
  const ends: (() => Promise<void>)[] = [];

  // oxlint-disable-next-line no-empty-pattern -- vitest wants a pattern there
  beforeAll(async ({}, { tasks }) => {
    const wanted = new Set(tasks.filter(({ mode }) => mode !== 'skip').map(({ name }) => name));
    const ready = scenarios
      .filter((scenario) => wanted.has(titleOf(scenario)))
      .map(async (scenario) => ({ scenario, nodes: await setUp(scenario, ends) }));
    for (const { scenario, nodes } of await Promise.all(ready)) {
      const run = perform(scenario, nodes);
      run.catch(() => {}); // its test tells
      runs.set(scenario, run);
    }
  }, 300_000);

  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
  });

  for (const scenario of scenarios)
    it(`${scenario.fault}: ${scenario.expectation}`, { timeout: TIMEOUT_MS }, () => runs.get(scenario));
}

/** Runs scenarios one after the other, for what takes the machine. */
export function oneByOne(scenarios: readonly Scenario[]): void {
  for (const scenario of scenarios)
    it(`${scenario.fault}: ${scenario.expectation}`, { timeout: TIMEOUT_MS }, async () => {
      const ends: (() => Promise<void>)[] = [];
      try {
        await perform(scenario, await setUp(scenario, ends));
      } finally {
        for (const end of ends) await end();
      }
    });
}

function titleOf({ fault, expectation }: Scenario): string {
  return `${fault}: ${expectation}`;
}

async function setUp(
  { hosts, config, optionsOf, before }: Scenario,
  ends: (() => Promise<void>)[],
): Promise<LabNodes> {
  const lab = await Lab.open(hosts);
  const nodes = new LabNodes(lab, config, optionsOf);
  ends.push(async () => {
    await nodes.stop();
    await lab.close();
  });
  await before?.(lab);
  await nodes.start();
  return nodes;
}

async function perform(scenario: Scenario, nodes: LabNodes): Promise<void> {
  const { fault, expectation } = scenario;
  const notes: string[] = [];
  let passed = false;
  try {
    await scenario.run(nodes, (measured) => notes.push(measured));
    passed = true;
  } finally {
    report({ fault, expectation, measured: notes.join('; '), passed });
  }
}
