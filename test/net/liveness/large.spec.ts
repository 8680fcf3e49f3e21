import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { DownLine, ManyNodesConfig } from '../../programs/node-config.js';
import { SECRET } from '../../support/processes/cluster.js';
import { wallMs } from '../../support/net/net-commands.js';
import { cutBetween, type Host } from '../../support/net/net-lab.js';
import { countDowns, delaysOf, lifeSince, PORT } from '../../support/net/net-nodes.js';
import { SLACK, spread } from '../../support/net/net-report.js';
import { isFull, oneByOne, type Scenario } from '../../support/net/net-scenario.js';
import { type Program, startProgram, stopPrograms } from '../../support/processes/programs.js';
import { has } from '../../support/requirements.mjs';

const DOWN_MS = SLACK * 5_000;

/** Beside the four nodes that have a process each, two processes have so many each: 70 in all. */
const MORE_NODES = 33;

/** Thousands of TLS handshakes on two busy cores. */
const WHOLE_MS = 180_000;

const halfConnected: Scenario = {
  fault: '70 nodes in six processes, one of them connected with half',
  expectation: 'no false down; a silent death is told by all in <= 5 s',
  hosts: 4,
  run: async (nodes, note) => {
    const [odd, apart, near, victimHost] = nodes.hosts;
    await cutBetween([odd!], [apart!]);
    const seeds = [`app@${near!.address}`, `app@${victimHost!.address}`];
    const programs = [apart!, near!].map((host) => startMany(host, seeds));
    try {
      await Promise.all(programs.map((program) => program.line(/"started"/, { timeoutMs: WHOLE_MS })));
      // All but the odd one, and all.
      await Promise.all([whole(programs[0]!, 68), whole(programs[1]!, 69)]);
      await sleep(8_000);
      const since = nodes.mark();
      const from = programs.map(({ lines }) => lines.length);
      const forMs = isFull ? 300_000 : 10_000;
      await sleep(forMs);
      const downsOf = () => programs.flatMap(({ lines }, i) => downLines(lines.slice(from[i])));
      const falseDowns = countDowns(nodes.nodes, since) + downsOf().length;
      note(`${falseDowns} false downs in ${forMs / 1_000} s`);
      expect(falseDowns, [...lifeSince(nodes.nodes, since), JSON.stringify(downsOf())].join('\n')).toBe(0);

      const victim = nodes.nodes[3]!;
      const fromMs = wallMs();
      await victimHost!.link('down');
      const near3 = await delaysOf('peer.down', victim, nodes.nodes.slice(0, 3), { since, fromMs });
      await sleep(Math.max(0, fromMs + DOWN_MS + 2_000 - wallMs()));
      const downs = downsOf();
      const delays = [...near3, ...downs.map(({ atMs }) => atMs - fromMs)];
      note(`down: ${spread(delays)}`);
      expect(downs.length).toBe(2 * MORE_NODES);
      expect(downs.every(({ about }) => about === victim.name)).toBe(true);
      expect(Math.max(...delays)).toBeLessThanOrEqual(DOWN_MS);
    } finally {
      await stopPrograms(programs);
    }
  },
};

function startMany(host: Host, seeds: string[]): Program {
  const ports = Array.from({ length: MORE_NODES }, (_, i) => PORT + 1 + i);
  const config: ManyNodesConfig = { ports, seeds, secret: SECRET, host: host.address };
  return startProgram('many-nodes', { args: [JSON.stringify(config)], namespace: host.namespace });
}

async function whole(program: Program, peers: number): Promise<void> {
  const from = program.lines.length;
  program.write(`wait ${peers}`);
  await program.line(/"whole"/, { from, timeoutMs: WHOLE_MS });
}

function downLines(lines: readonly string[]): DownLine[] {
  return lines
    .filter((line) => line.startsWith('{"type":"down"'))
    .map((line) => JSON.parse(line) as DownLine);
}

describe.skipIf(!has('netns'))('many nodes', () => {
  oneByOne([halfConnected]);
});
