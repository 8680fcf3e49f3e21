import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { dropShare, healAll } from '../../support/net/net-lab.js';
import { countDowns, lifeSince } from '../../support/net/net-nodes.js';
import { time } from '../../support/net/net-report.js';
import { isFull, type Scenario, sideBySide } from '../../support/net/net-scenario.js';
import { has } from '../../support/requirements.mjs';

const forMs = isFull ? 600_000 : 30_000;

const loss = (percent: number, isAsserted: boolean): Scenario => ({
  fault: `loss ${percent} % each way, 10 nodes`,
  expectation: isAsserted ? 'no false down' : 'count reported',
  hosts: 10,
  run: async (nodes, note) => {
    const since = nodes.mark();
    await Promise.all(nodes.hosts.map((host) => host.judgeInput(dropShare(percent / 100))));
    await sleep(forMs);
    const downs = countDowns(nodes.nodes, since);
    note(`${downs} false downs in ${time(forMs)}`);
    await healAll(nodes.hosts);
    await nodes.whole();
    if (isAsserted) expect(downs, lifeSince(nodes.nodes, since).join('\n')).toBe(0);
  },
});

describe.skipIf(!has('netns'))('loss', () => {
  sideBySide([loss(10, true), loss(20, true), loss(30, false)]);
});
