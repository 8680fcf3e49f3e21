import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, vi } from 'vitest';
import type { Flood } from '../../programs/node-config.js';
import { type ClusterNode, until } from '../../support/processes/cluster.js';
import { shiftedClock } from '../../support/net/net-faketime.js';
import { runTool, wallMs } from '../../support/net/net-commands.js';
import { dropShare, healAll } from '../../support/net/net-lab.js';
import { countDowns, delaysOf, healedAfter, lifeSince, PORT } from '../../support/net/net-nodes.js';
import { spread, time } from '../../support/net/net-report.js';
import { isFull, type Scenario, sideBySide } from '../../support/net/net-scenario.js';
import { has } from '../../support/requirements.mjs';

/** A node is told to flood its peers for this long at a time. */
const FLOOD_MS = 20_000;

const TRIALS = { timeout: 20_000, interval: 500 };

const NO_UDP = 'meta l4proto udp drop';

const udpBlocked: Scenario = {
  fault: 'UDP blocked, TCP fine',
  expectation: 'works, slower; `explain` says which proof is missing',
  hosts: 4,
  before: async ({ hosts }) => {
    await Promise.all(hosts.map((host) => host.judgeInput(NO_UDP)));
  },
  run: async (nodes, note) => {
    const [stopped, observer, victim] = nodes.nodes;
    for (const other of nodes.others(observer!)) {
      const told = async () => (await observer!.run('explain', other.name)).names[0]!;
      // Six trials, one a second.
      await vi.waitFor(async () => expect((await told()).liveness!.probes).toBe('unanswered'), TRIALS);
      expect((await told()).summary).toContain(`open UDP port ${PORT}`);
    }
    const since = nodes.mark();
    const stoppedAtMs = wallMs();
    stopped!.signal('SIGSTOP');
    const downs = await delaysOf('peer.down', stopped!, nodes.others(stopped!), {
      since,
      fromMs: stoppedAtMs,
    });
    note(`SIGSTOP: down: ${spread(downs)}`);
    const goesOnAtMs = wallMs();
    stopped!.signal('SIGCONT');
    note(`back: ${time(await healedAfter(nodes, { since, fromMs: goesOnAtMs }))}`);
    const killedAtMs = await victim!.kill();
    const observers = nodes.others(victim!);
    const kills = await delaysOf('peer.down', victim!, observers, { since, fromMs: killedAtMs });
    note(`SIGKILL: down: ${spread(kills)}`);
    expect(Math.max(...downs)).toBeLessThanOrEqual(5_000);
    expect(Math.max(...kills)).toBeLessThanOrEqual(500);
  },
};

const tcpLossWithoutUdp: Scenario = {
  fault: 'TCP loss 10 % each way, UDP blocked',
  expectation: 'works, slower: whoever is lost is back; count reported',
  hosts: 4,
  before: async ({ hosts }) => {
    await Promise.all(hosts.map((host) => host.judgeInput(NO_UDP, dropShare(0.1))));
  },
  run: async (nodes, note) => {
    const since = nodes.mark();
    const forMs = isFull ? 600_000 : 20_000;
    await sleep(forMs);
    note(`${countDowns(nodes.nodes, since)} false downs in ${time(forMs)}`);
    const { names } = await nodes.nodes[0]!.run('explain', nodes.nodes[1]!.name);
    expect(names[0]!.summary).toMatch(/open UDP port|was a peer until/);
    const healSince = nodes.mark();
    const fromMs = wallMs();
    await healAll(nodes.hosts);
    note(`whole after the loss: ${time(await healedAfter(nodes, { since: healSince, fromMs }))}`);
  },
};

const clockFolder = mkdtempSync(join(tmpdir(), 'peerage-clock-'));
const clockFile = join(clockFolder, 'offset');
writeFileSync(clockFile, '+0');

const wallClock: Scenario = {
  fault: 'wall clock of one node jumps by +1 h, then -1 h',
  expectation: 'nothing happens',
  hosts: 3,
  optionsOf: (index) => (index === 0 ? { env: shiftedClock(clockFile) } : {}),
  run: async (nodes, note) => {
    const since = nodes.mark();
    const holdMs = isFull ? 60_000 : 8_000;
    for (const offset of ['+3600', '-3600', '+0']) {
      writeFileSync(clockFile, offset);
      await sleep(holdMs);
    }
    note(`${lifeSince(nodes.nodes, since).length} events`);
    expect(lifeSince(nodes.nodes, since)).toEqual([]);
  },
};

/** Limits it to the files that it has, a dial that was just ending not among them. Returns the limit. */
async function leaveNoFile(pid: number): Promise<number> {
  let free: number;
  do {
    free = lowestFreeFile(pid);
    await limitFiles(pid, free);
    await sleep(200);
  } while (lowestFreeFile(pid) < free);
  return free;
}

const fdLimit: Scenario = {
  fault: 'limit of file descriptors reached, then freed',
  expectation: 'says so, keeps its peers, recovers',
  hosts: 4,
  run: async (nodes, note) => {
    const [full] = nodes.nodes;
    const newcomer = nodes.nodes[3]!;
    await newcomer.terminate();
    const since = nodes.mark();
    const next = await nodes.hold(3);
    const free = await leaveNoFile(full!.pid);
    await nodes.open(3, next);
    await sleep(isFull ? 30_000 : 6_000);
    const { names, refused } = await full!.run('explain');
    const told = JSON.stringify([names.filter(({ name }) => name === next.name), refused]);
    note(`says: ${/EMFILE|open files/.exec(told)?.[0] ?? told}`);
    expect(countDowns(nodes.nodes.slice(0, 3), since)).toBe(0);
    const fromMs = wallMs();
    await limitFiles(full!.pid, free + 1_000);
    await until(
      () => full!.up.has(next.bootId) && full!.events.length > 0,
      () => `${full!.name} does not take ${next.name}: ${told}`,
      15_000,
    );
    note(`recovered after ${time(wallMs() - fromMs)}`);
    await nodes.whole();
    expect(told).toMatch(/EMFILE|open files/);
  },
};

const slowNetwork: Scenario = {
  fault: 'bandwidth 1 Mbit with full queues',
  expectation: 'beats live: no down',
  hosts: 4,
  run: async (nodes, note) => {
    await Promise.all(nodes.hosts.map((host) => host.limitRate('1mbit')));
    const since = nodes.mark();
    const forMs = isFull ? 300_000 : 20_000;
    let taken = 0;
    for (let ms = 0; ms < forMs; ms += FLOOD_MS) taken += await floodAll(nodes.nodes);
    note(`${taken} messages of 64 KiB queued in ${time(forMs)}`);
    note(`${countDowns(nodes.nodes, since)} downs`);
    expect(lifeSince(nodes.nodes, since)).toEqual([]);
  },
};

async function floodAll(nodes: readonly ClusterNode[]): Promise<number> {
  const flood: Flood = { bytes: 64 * 1_024, forMs: FLOOD_MS };
  const taken = await Promise.all(nodes.map((node): Promise<number> => node.run('flood', flood)));
  return taken.reduce((sum, each) => sum + each, 0);
}

/** The number that the next file will get: with it as the limit there is none. */
function lowestFreeFile(pid: number): number {
  const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (used.has(free)) free += 1;
  return free;
}

async function limitFiles(pid: number, count: number): Promise<void> {
  await runTool('prlimit', ['--pid', `${pid}`, `--nofile=${count}:`]);
}

afterAll(() => rmSync(clockFolder, { recursive: true, force: true }));

describe.skipIf(!has('netns') || !has('faketime'))('conditions', () => {
  sideBySide([udpBlocked, tcpLossWithoutUdp, wallClock, fdLimit, slowNetwork]);
});
