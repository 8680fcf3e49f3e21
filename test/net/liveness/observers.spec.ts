import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { ClusterNode } from '../../support/processes/cluster.js';
import { wallMs } from '../../support/net/net-commands.js';
import { cutBetween, healAll, type Host } from '../../support/net/net-lab.js';
import {
  countDowns,
  delaysOf,
  type LabNodes,
  lifeSince,
  type Mark,
  PORT,
  seenBy,
} from '../../support/net/net-nodes.js';
import { SLACK, spread } from '../../support/net/net-report.js';
import { isFull, type Scenario, sideBySide } from '../../support/net/net-scenario.js';
import { has } from '../../support/requirements.mjs';

/** The bounds of the fault matrix. */
const DOWN_MS = SLACK * 5_000;
/** For who stalls, or was blocked or stopped just before. */
const TROUBLED_MS = SLACK * 6_000;

const START_MS = 120_000;

const earlyBlock: Scenario = {
  fault: 'a newcomer is blocked for 7 s from its first peer on',
  expectation: 'never down',
  hosts: 4,
  run: async (nodes, note) => {
    const rounds = isFull ? 9 : 2;
    for (let round = 0; round < rounds; round++) {
      await nodes.nodes[3]!.terminate();
      const next = nodes.launch(3, { blockAtFirstPeerMs: 7_000 });
      nodes.nodes[3] = next;
      await next.started(START_MS);
      await nodes.whole(START_MS);
      await sleep(2_000);
      for (const node of nodes.others(next))
        expect(node.ofType('peer.down').filter(({ peer }) => peer.bootId === next.bootId)).toEqual([]);
      expect(next.ofType('peer.down')).toEqual([]);
    }
    note(`0 downs of it in ${rounds} rounds`);
  },
};

const stalls: Scenario = {
  fault: 'a node stalls 1 s in every 5 s; another is stopped',
  expectation: 'told by everybody in <= 6 s, nobody else is down',
  hosts: 4,
  run: async (nodes, note) => {
    const [stalling, , , victim] = nodes.nodes;
    await stalling!.run('stall', { forMs: 1_000, everyMs: 5_000 });
    await sleep(isFull ? 60_000 : 12_000);
    const since = nodes.mark();
    const fromMs = wallMs();
    victim!.signal('SIGSTOP');
    const delays = await delaysOf('peer.down', victim!, nodes.others(victim!), { since, fromMs });
    note(`down: ${spread(delays)}`);
    victim!.signal('SIGCONT');
    await nodes.whole();
    expect(Math.max(...delays)).toBeLessThanOrEqual(TROUBLED_MS);
    expect(countDowns(nodes.nodes, since), lifeSince(nodes.nodes, since).join('\n')).toBe(3);
  },
};

const cutAfter = (fault: string, trouble: (node: ClusterNode) => Promise<unknown>): Scenario => ({
  fault,
  expectation: 'told on both sides in <= 6 s',
  hosts: 4,
  run: async (nodes, note) => {
    const [troubled] = nodes.nodes;
    const others = nodes.others(troubled!);
    const delays: number[] = [];
    for (let round = 0; round < (isFull ? 5 : 1); round++) {
      await trouble(troubled!);
      const since = nodes.mark();
      const fromMs = wallMs();
      await cutBetween([nodes.hosts[0]!], nodes.hosts.slice(1));
      delays.push(...(await toldBothWays(troubled!, others, since, fromMs)));
      await healAll(nodes.hosts);
      await nodes.whole();
      await sleep(2_000);
    }
    note(`down: ${spread(delays)}`);
    expect(Math.max(...delays)).toBeLessThanOrEqual(TROUBLED_MS);
  },
});

async function toldBothWays(
  one: ClusterNode,
  others: readonly ClusterNode[],
  since: Mark,
  fromMs: number,
): Promise<number[]> {
  const there = await delaysOf('peer.down', one, others, { since, fromMs });
  const here = others.map((other) => delaysOf('peer.down', other, [one], { since, fromMs }));
  return [...there, ...(await Promise.all(here)).flat()];
}

const afterBlock = cutAfter('cut right after its loop was blocked for 8 s', (node) =>
  node.run('block', 8_000),
);

const afterStop = cutAfter('cut right after SIGSTOP for 3 s', async (node) => {
  node.signal('SIGSTOP');
  await sleep(3_000);
  node.signal('SIGCONT');
});

/** Nobody can dial this host; what it dials itself works. */
const closeDoor = (host: Host) =>
  host.judgeInput(`tcp dport ${PORT} tcp flags & (syn | ack) == syn reject with tcp reset`);

const oneWay: Scenario = {
  fault: 'a node that others cannot dial: its connections reset, then its link down',
  expectation: 'nobody is told of the resets; down in <= 5 s',
  hosts: 4,
  before: ({ hosts }) => closeDoor(hosts[0]!),
  run: async (nodes, note) => {
    const [hidden] = nodes.nodes;
    const observers = nodes.others(hidden!);
    const rounds = isFull ? 20 : 4;
    const start = nodes.mark();
    for (let round = 0; round < rounds; round++) {
      await nodes.hosts[0]!.killConnections();
      await sleep(2_000);
    }
    note(`${lifeSince(nodes.nodes, start).length} events in ${rounds} rounds`);
    expect(lifeSince(nodes.nodes, start)).toEqual([]);
    await reconnected(nodes);
    const since = nodes.mark();
    const fromMs = wallMs();
    await nodes.hosts[0]!.link('down');
    const delays = await delaysOf('peer.down', hidden!, observers, { since, fromMs });
    note(`down: ${spread(delays)}`);
    expect(Math.max(...delays)).toBeLessThanOrEqual(DOWN_MS);
    for (const node of observers) expect(seenBy(node, since, 'peer.down').length).toBe(1);
  },
};

/** Every node has a connection with every other one: who is asked for its peers has none that is being redialled. */
async function reconnected(nodes: LabNodes): Promise<void> {
  await nodes.whole();
  await sleep(2_000);
}

describe.skipIf(!has('netns'))('observers in trouble', () => {
  sideBySide([earlyBlock, stalls, afterBlock, afterStop, oneWay]);
});
