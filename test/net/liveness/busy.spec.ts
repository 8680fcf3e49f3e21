import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Host } from '../../support/net/net-lab.js';
import { countDowns, lifeSince, seenBy } from '../../support/net/net-nodes.js';
import { time } from '../../support/net/net-report.js';
import { isFull, oneByOne, type Scenario } from '../../support/net/net-scenario.js';
import { has } from '../../support/requirements.mjs';

const forMs = isFull ? 600_000 : 25_000;

const busy: Scenario = {
  fault: 'all cores busy, 20 nodes',
  expectation: 'no false down',
  hosts: 20,
  run: async (nodes, note) => {
    const since = nodes.mark();
    spin(nodes.hosts[0]!, 2 * availableParallelism());
    await sleep(forMs);
    const downs = countDowns(nodes.nodes, since);
    const degraded = nodes.nodes.flatMap((node) => seenBy(node, since, 'peer.degraded'));
    note(`${downs} false downs, ${degraded.length} times degraded in ${time(forMs)}`);
    expect(downs, lifeSince(nodes.nodes, since).join('\n')).toBe(0);
  },
};

/** Processes that take all the time they get. They end with the namespace they run in. */
function spin(host: Host, count: number): void {
  for (let i = 0; i < count; i++) {
    const endless = [process.execPath, '--eval', 'for (;;);'];
    spawn('ip', ['netns', 'exec', host.namespace, ...endless], { stdio: 'ignore' });
  }
}

describe.skipIf(!has('netns'))('a busy machine', () => {
  oneByOne([busy]);
});
