import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, vi } from 'vitest';
import type { HolderConfig } from '../programs/holder-config.js';
import { freePorts, nameOn, SECRET } from '../support/processes/cluster.js';
import type { Program } from '../support/processes/programs.js';
import { startProgram, stopPrograms } from '../support/processes/programs.js';

const KEYS = Array.from({ length: 12 }, (_, i) => `key ${i}`);
const ALL = [...KEYS, 'the lead'];
const HANDOVER_MS = 2_000;
const DOWN_MS = 2_400;
const SLOW = { timeout: 30_000, interval: 100 };

const started: Program[] = [];
afterEach(() => stopPrograms(started.splice(0)));

/** A process, and when it was dead or stopped: then it runs nothing, whatever it said before. */
interface Holder {
  readonly program: Program;
  pausedAtMs?: number;
  resumedAtMs?: number;
}

interface Run {
  readonly key: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a holder ran, by what it said. */
function runsOf({ program, pausedAtMs = Infinity, resumedAtMs = Infinity }: Holder): Run[] {
  const open = new Map<string, number>();
  const runs: Run[] = [];
  const add = (key: string, toMs: number): void => {
    const fromMs = open.get(key)!;
    open.delete(key);
    if (fromMs < pausedAtMs) runs.push({ key, fromMs, toMs: Math.min(toMs, pausedAtMs) });
    if (toMs > resumedAtMs) runs.push({ key, fromMs: Math.max(fromMs, resumedAtMs), toMs });
  };
  for (const line of program.lines) {
    const [, what, atMs, key] = /^(begin|end) (\d+) (.+)$/.exec(line) ?? [];
    if (key === undefined) continue;
    if (what === 'begin') open.set(key, Number(atMs));
    else add(key, Number(atMs));
  }
  for (const key of [...open.keys()]) add(key, Date.now());
  return runs;
}

const holding = (holder: Holder): string[] => {
  const now = Date.now();
  return runsOf(holder)
    .filter(({ toMs }) => toMs >= now)
    .map(({ key }) => key);
};

/** Every key has one holder among these, who sees all of these and nobody else. */
async function oneHolderEach(holders: readonly Holder[]): Promise<void> {
  const pids = holders.map(({ program }) => program.pid).sort((a, b) => a - b);
  await vi.waitFor(async () => {
    expect(holders.flatMap(holding).sort()).toEqual(ALL.toSorted());
    for (const { program } of holders) {
      const from = program.lines.length;
      program.write('whom do you see?');
      const [, seen] = await program.line(/^sees (.*)$/, { from });
      expect(seen).toBe(pids.join(' '));
    }
  }, SLOW);
}

/** For how long two ran the same key at once, at most. */
function longestOverlap(holders: readonly Holder[]): number {
  const runs = holders.map(runsOf);
  let longestMs = 0;
  for (const [i, some] of runs.entries())
    for (const others of runs.slice(i + 1))
      for (const a of some)
        for (const b of others)
          if (a.key === b.key)
            longestMs = Math.max(longestMs, Math.min(a.toMs, b.toMs) - Math.max(a.fromMs, b.fromMs));
  return longestMs;
}

it('keeps every key at one process, and the lead, while they are killed, stopped and restarted', async () => {
  const ports = await freePorts(4);
  const names = ports.map((port) => nameOn(port));
  const start = async (i: number): Promise<Holder> => {
    const config: HolderConfig = {
      names,
      keys: KEYS,
      options: {
        appName: 'app',
        bind: '127.0.0.1',
        port: ports[i]!,
        secret: SECRET,
        heartbeat: { intervalMs: 400, suspectMs: 1_000, downMs: DOWN_MS },
        ownership: { settleMs: 1_000, handoverMs: HANDOVER_MS },
      },
    };
    const program = startProgram('holder', { args: [JSON.stringify(config)] });
    started.push(program);
    const holder: Holder = { program };
    all.push(holder);
    await program.line(/^ready$/);
    return holder;
  };
  const all: Holder[] = [];
  const first = await Promise.all([start(0), start(1), start(2)]);
  const [a] = first;
  let [, b, c] = first;
  await oneHolderEach([a, b, c]);

  // Killed: its keys go to the others.
  a.pausedAtMs = Date.now();
  await a.program.kill();
  await oneHolderEach([b, c]);

  // Stopped for so long that the others take over; when it runs again it lets go first.
  const d = await start(3);
  await oneHolderEach([b, c, d]);
  b.pausedAtMs = Date.now();
  b.program.signal('SIGSTOP');
  await oneHolderEach([c, d]);
  b.resumedAtMs = Date.now();
  b.program.signal('SIGCONT');
  await oneHolderEach([b, c, d]);

  // Restarted one after the other: what they hold ends before they go.
  for (const i of [1, 2]) {
    const old = i === 1 ? b : c;
    old.program.signal('SIGTERM');
    await old.program.ended;
    expect(old.program.lines.filter((line) => line.startsWith('begin')).length).toBe(
      old.program.lines.filter((line) => line.startsWith('end')).length,
    );
    const next = await start(i);
    if (i === 1) b = next;
    else c = next;
  }
  await oneHolderEach([b, c, d]);
  await sleep(200);
  expect(longestOverlap(all)).toBeLessThan(HANDOVER_MS);
});
