import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { ClusterNode } from '../../support/processes/cluster.js';
import { wallMs } from '../../support/net/net-commands.js';
import { delaysOf, type LabNodes, lifeSince, type Mark, seenBy } from '../../support/net/net-nodes.js';
import { SLACK, spread } from '../../support/net/net-report.js';
import { isFull, oneByOne, type Scenario } from '../../support/net/net-scenario.js';
import { has } from '../../support/requirements.mjs';

/** The bounds of the fault matrix. */
const KILLED_MS = SLACK * 500;
const WHOLE_MS = SLACK * 1_000;
const IN_PLACE_MS = 100;

/** What the last round stirred up is over. */
const CALM_MS = 1_000;

const killed: Scenario = {
  fault: 'SIGKILL',
  expectation: 'down everywhere <= 500 ms, reason `closed`',
  hosts: 5,
  run: async (nodes, note) => {
    const delays: number[] = [];
    const rounds = isFull ? 30 : 4;
    for (let round = 0; round < rounds; round++) {
      const at = round % nodes.nodes.length;
      const victim = nodes.nodes[at]!;
      const next = await nodes.hold(at);
      await sleep(CALM_MS);
      const since = nodes.mark();
      const observers = nodes.others(victim);
      const fromMs = await victim.kill();
      delays.push(...(await delaysOf('peer.down', victim, observers, { since, fromMs })));
      for (const node of observers)
        expect(seenBy(node, since, 'peer.down').map(({ reason }) => reason)).toEqual(['closed']);
      await nodes.open(at, next);
      await nodes.whole();
    }
    note(`down: ${spread(delays)}`);
    expect(Math.max(...delays)).toBeLessThanOrEqual(KILLED_MS);
  },
};

const reset: Scenario = {
  fault: 'every connection of a live node reset (`ss -K`)',
  expectation: 'redialled, nobody is told',
  hosts: 4,
  run: async (nodes, note) => {
    const rounds = isFull ? 20 : 5;
    const since = nodes.mark();
    for (let round = 0; round < rounds; round++) {
      await nodes.hosts[round % nodes.hosts.length]!.killConnections();
      await sleep(CALM_MS);
    }
    note(`${lifeSince(nodes.nodes, since).length} events in ${rounds} rounds`);
    expect(lifeSince(nodes.nodes, since)).toEqual([]);
    await nodes.whole();
  },
};

const halfOpen: Scenario = {
  fault: 'half-open (link down, kill -9, `ss -K`, link up, restart)',
  expectation: 'the new process replaces the old at once',
  hosts: 4,
  run: async (nodes, note) => {
    const delays: number[] = [];
    for (let round = 0; round < (isFull ? 10 : 2); round++) {
      const [victim] = nodes.nodes;
      const [host] = nodes.hosts;
      const observers = nodes.others(victim!);
      const next = await nodes.hold(0);
      await sleep(CALM_MS);
      const since = nodes.mark();
      await host!.link('down');
      await victim!.kill();
      await host!.killConnections();
      await host!.link('up');
      const fromMs = wallMs();
      await nodes.open(0, next);
      await nodes.whole();
      delays.push(...(await delaysOf('peer.up', next, observers, { since, fromMs })));
      await sleep(CALM_MS);
      for (const node of observers) {
        const [down, ...more] = seenBy(node, since, 'peer.down', victim);
        expect(more).toEqual([]);
        // The kernel of the restarted host resets what is left of the old connection when it is used again:
        // then the redial, not the newcomer, tells of the end.
        expect(['replaced', 'closed']).toContain(down!.reason);
      }
    }
    note(`from link up and start to up: ${spread(delays)}`);
    // Who still bears the name is asked, and has a second to prove that it lives.
    expect(Math.max(...delays)).toBeLessThanOrEqual(2_000);
  },
};

const restarted: Scenario = {
  fault: 'restart on the same ip:port in under 100 ms',
  expectation: 'exactly one down and one up each, all nodes agree',
  hosts: 4,
  run: async (nodes, note) => {
    const rounds = isFull ? 100 : 5;
    const gaps: number[] = [];
    const ups: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const victim = nodes.nodes[0]!;
      const observers = nodes.others(victim);
      const next = await nodes.hold(0);
      await sleep(CALM_MS / 2);
      const since = nodes.mark();
      const fromMs = await victim.kill();
      await nodes.open(0, next);
      const started = await next.message(({ type }) => type === 'started');
      gaps.push(started.at - fromMs);
      ups.push(...(await delaysOf('peer.up', next, observers, { since, fromMs: started.at })));
      await nodes.whole();
      await sleep(CALM_MS / 2);
      for (const node of observers) expectOneChange(node, since);
    }
    note(`${rounds} times; from kill to listening again: ${spread(gaps)}`);
    note(`from listening to up: ${spread(ups)}`);
    for (const node of nodes.nodes) expect((await node.run('peers')).length).toBe(nodes.nodes.length - 1);
    // A busy machine may start one of them late, and that one is no such restart.
    expect(gaps.filter((gap) => gap < IN_PLACE_MS).length).toBeGreaterThanOrEqual(rounds * 0.8);
  },
};

const rolling: Scenario = {
  fault: 'rolling restart of 10 nodes under messages',
  expectation: 'no `timeout`, full mesh <= 1 s after each',
  hosts: 10,
  run: async (nodes, note) => {
    const wholes: number[] = [];
    const since = nodes.mark();
    for (let at = 0; at < nodes.nodes.length; at++) {
      const next = await nodes.hold(at);
      const floods = nodes.nodes.map((node) => flooded(node));
      const last = nodes.nodes[at]!;
      await sleep(CALM_MS / 2);
      await last.terminate();
      await nodes.open(at, next);
      const { at: listensAtMs } = await next.message(({ type }) => type === 'started');
      await nodes.whole();
      wholes.push(Math.max(...lastUps(nodes, next, since)) - listensAtMs);
      await Promise.all(floods);
    }
    note(`whole: ${spread(wholes)}`);
    const reasons = nodes.nodes.flatMap((node) =>
      seenBy(node, since, 'peer.down').map(({ reason }) => reason),
    );
    note(`${reasons.filter((reason) => reason === 'timeout').length} timeouts`);
    expect(new Set(reasons)).toEqual(new Set(['left']));
    expect(Math.max(...wholes)).toBeLessThanOrEqual(WHOLE_MS);
  },
};

/** 100 messages a second of 1 KiB to each peer; who is stopped meanwhile sends no more. */
async function flooded(node: ClusterNode): Promise<void> {
  await node.run('flood', { bytes: 1_024, forMs: 1_500, everyMs: 10 }).catch(() => {});
}

function lastUps(nodes: LabNodes, newcomer: ClusterNode, since: Mark): number[] {
  const others = nodes.others(newcomer);
  return [
    ...others.flatMap((node) => seenBy(node, since, 'peer.up', newcomer)),
    ...newcomer.ofType('peer.up'),
  ].map(({ atMs }) => atMs);
}

function expectOneChange(node: ClusterNode, since: Mark): void {
  const seen = lifeSince([node], since);
  expect(seen.map((line) => line.split(' ')[1])).toEqual(['peer.down', 'peer.up']);
}

describe.skipIf(!has('netns'))('ends and returns', () => {
  oneByOne([killed, reset, halfOpen, restarted, rolling]);
});
