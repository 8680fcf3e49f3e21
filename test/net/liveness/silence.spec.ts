import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { probesAnswered } from '../../support/processes/cluster.js';
import { wallMs } from '../../support/net/net-commands.js';
import { cutBetween, dropFrom, healAll } from '../../support/net/net-lab.js';
import {
  countDowns,
  delaysOf,
  healedAfter,
  lateDowns,
  type LabNodes,
  lifeSince,
  seenBy,
} from '../../support/net/net-nodes.js';
import { SLACK, spread, time } from '../../support/net/net-report.js';
import { isFull, type Scenario, sideBySide } from '../../support/net/net-scenario.js';
import { has } from '../../support/requirements.mjs';

/** The bounds of the fault matrix. */
const DOWN_MS = SLACK * 5_000;
const HEALED_MS = SLACK * 3_000;
const BACK_MS = SLACK * 2_000;
const DEGRADED_MS = SLACK * 3_000;

const stoppedFor = (seconds: number): Scenario => ({
  fault: `SIGSTOP for ${seconds} s`,
  expectation: 'down in <= 5 s, back <= 2 s after SIGCONT, accuses nobody',
  hosts: 4,
  run: async (nodes, note) => {
    const [stopped] = nodes.nodes;
    const observers = nodes.others(stopped!);
    const since = nodes.mark();
    const stoppedAtMs = wallMs();
    stopped!.signal('SIGSTOP');
    const delays = await delaysOf('peer.down', stopped!, observers, { since, fromMs: stoppedAtMs });
    note(`down: ${spread(delays)}`);
    await sleep(stoppedAtMs + seconds * 1_000 - wallMs());
    const goesOnAtMs = wallMs();
    stopped!.signal('SIGCONT');
    const backs = await delaysOf('peer.up', stopped!, observers, { since, fromMs: goesOnAtMs });
    note(`back: ${spread(backs)}`);
    await sleep(3_000);
    expect(lateDowns(observers, since, { fromMs: stoppedAtMs, boundMs: DOWN_MS })).toEqual([]);
    expect(Math.max(...backs)).toBeLessThanOrEqual(BACK_MS);
    expect(seenBy(stopped!, since, 'peer.down'), 'who slept accuses nobody').toEqual([]);
    expect(countDowns(observers, since)).toBe(observers.length);
  },
});

const stoppedBriefly: Scenario = {
  fault: 'SIGSTOP for 1 s',
  expectation: 'tolerated',
  hosts: 4,
  run: async (nodes, note) => {
    const rounds = isFull ? 10 : 3;
    const since = nodes.mark();
    for (let round = 0; round < rounds; round++) {
      nodes.nodes[round % 4]!.signal('SIGSTOP');
      await sleep(1_000);
      nodes.nodes[round % 4]!.signal('SIGCONT');
      await sleep(3_000);
    }
    note(`${countDowns(nodes.nodes, since)} downs in ${rounds} rounds`);
    // Starved of CPU by the scenarios beside it, a node may look blocked for a moment; down it must not be.
    if (isFull) expect(lifeSince(nodes.nodes, since)).toEqual([]);
    else expect(countDowns(nodes.nodes, since)).toBe(0);
  },
};

const BLOCKED_S = isFull ? [3, 10, 30] : [3, 10];

/** One after the other: each takes a whole core. */
const blocked: Scenario = {
  fault: `main loop blocked for ${BLOCKED_S.join(', ')} s`,
  expectation: 'degraded within 3 s, never down, recovered after',
  hosts: 4,
  run: async (nodes, note) => {
    const [victim] = nodes.nodes;
    const observers = nodes.others(victim!);
    const degraded: number[] = [];
    const recovered: number[] = [];
    for (const observer of observers) await probesAnswered(observer, victim!);
    const start = nodes.mark();
    for (const seconds of BLOCKED_S) {
      const since = nodes.mark();
      const { fromMs, untilMs } = await victim!.run('block', seconds * 1_000);
      degraded.push(...(await delaysOf('peer.degraded', victim!, observers, { since, fromMs })));
      recovered.push(...(await delaysOf('peer.recovered', victim!, observers, { since, fromMs: untilMs })));
      await sleep(3_000);
    }
    note(`degraded: ${spread(degraded)}`);
    note(`recovered: ${spread(recovered)}`);
    note(`${countDowns(nodes.nodes, start)} downs`);
    const seen = lifeSince(nodes.nodes, start);
    expect(countDowns(nodes.nodes, start), seen.join('\n')).toBe(0);
    expect(Math.max(...degraded)).toBeLessThanOrEqual(DEGRADED_MS);
    expect(seen.length).toBe(2 * observers.length * BLOCKED_S.length);
  },
};

/** A cut, and then its end. Everybody who cannot hear, or be heard by, somebody says so, once. */
const cut = (
  how: string,
  sides: { readonly left: number; readonly right: number },
  { begin, end }: Record<'begin' | 'end', (nodes: LabNodes, left: number) => Promise<void>>,
): Scenario => ({
  fault: `cut: ${how}`,
  expectation: 'both sides down in <= 5 s, healed whole in <= 3 s',
  hosts: sides.left + sides.right,
  run: async (nodes, note) => {
    const left = nodes.nodes.slice(0, sides.left);
    const right = nodes.nodes.slice(sides.left);
    const delays: number[] = [];
    const heals: number[] = [];
    const late: string[] = [];
    for (const lastsMs of isFull ? [8_000, 15_000, 30_000, 60_000, 120_000] : [12_000]) {
      const since = nodes.mark();
      const cutAtMs = wallMs();
      await begin(nodes, sides.left);
      for (const [side, other] of [
        [left, right],
        [right, left],
      ] as const)
        for (const gone of other)
          delays.push(...(await delaysOf('peer.down', gone, side, { since, fromMs: cutAtMs })));
      await sleep(Math.max(0, cutAtMs + lastsMs - wallMs()));
      expect(countDowns(nodes.nodes, since)).toBe(2 * left.length * right.length);
      late.push(...lateDowns(left, since, { fromMs: cutAtMs, boundMs: DOWN_MS }));
      late.push(...lateDowns(right, since, { fromMs: cutAtMs, boundMs: DOWN_MS }));
      const healSince = nodes.mark();
      const healedAtMs = wallMs();
      await end(nodes, sides.left);
      heals.push(await healedAfter(nodes, { since: healSince, fromMs: healedAtMs }));
      await sleep(2_000);
      expect(countDowns(nodes.nodes, healSince)).toBe(0);
    }
    note(`down: ${spread(delays)}`);
    note(`whole again: ${spread(heals)}`);
    expect(late).toEqual([]);
    expect(Math.max(...heals)).toBeLessThanOrEqual(HEALED_MS);
  },
});

const linkDown = cut(
  'link down',
  { left: 1, right: 3 },
  {
    begin: ({ hosts }) => hosts[0]!.link('down'),
    end: ({ hosts }) => hosts[0]!.link('up'),
  },
);

const bothDropped = cut(
  'both directions dropped',
  { left: 2, right: 2 },
  {
    begin: ({ hosts }, left) => cutBetween(hosts.slice(0, left), hosts.slice(left)),
    end: ({ hosts }) => healAll(hosts),
  },
);

const oneDropped = cut(
  'one direction dropped',
  { left: 1, right: 3 },
  {
    begin: async ({ hosts: [mute, ...others] }) => {
      await Promise.all(others.map((host) => host.judgeInput(dropFrom(mute!))));
    },
    end: ({ hosts }) => healAll(hosts),
  },
);

const pairCut: Scenario = {
  fault: 'pair cut with a common neighbour',
  expectation: 'one down each, evidence and explain name the neighbour, no flapping, healed in <= 3 s',
  hosts: 3,
  run: async (nodes, note) => {
    const [a, b, c] = nodes.nodes;
    const since = nodes.mark();
    const cutAtMs = wallMs();
    await cutBetween([nodes.hosts[0]!], [nodes.hosts[1]!]);
    const delays = [
      ...(await delaysOf('peer.down', b!, [a!], { since, fromMs: cutAtMs, timeoutMs: 30_000 })),
      ...(await delaysOf('peer.down', a!, [b!], { since, fromMs: cutAtMs, timeoutMs: 30_000 })),
    ];
    note(`down: ${spread(delays)}`);
    await sleep(isFull ? 120_000 : 15_000);
    expect(lifeSince(nodes.nodes, since).length, 'one down each and nothing else').toBe(2);
    for (const [node, other] of [
      [a!, b!],
      [b!, a!],
    ] as const) {
      const [down] = seenBy(node, since, 'peer.down');
      expect(down!.reason).toBe('timeout');
      expect(down!.evidence.asked).toEqual([{ name: c!.name, answer: 'hears it' }]);
      const { names } = await node.run('explain', other.name);
      expect(names[0]!.summary).toContain(`${c!.name} heard it`);
    }
    const healSince = nodes.mark();
    const healedAtMs = wallMs();
    await healAll(nodes.hosts);
    const heal = await healedAfter(nodes, { since: healSince, fromMs: healedAtMs });
    note(`healed: ${time(heal)}`);
    expect(heal).toBeLessThanOrEqual(HEALED_MS);
    await sleep(3_000);
    expect(countDowns(nodes.nodes, healSince)).toBe(0);
  },
};

describe.skipIf(!has('netns'))('silence', () => {
  sideBySide([
    stoppedBriefly,
    stoppedFor(10),
    ...(isFull ? [stoppedFor(60)] : []),
    blocked,
    linkDown,
    bothDropped,
    oneDropped,
    pairCut,
  ]);
});
