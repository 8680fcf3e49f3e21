import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerageModuleOptions } from 'nestjs-peerage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobberConfig } from '../programs/jobber-config.js';
import { SECRET, until } from '../support/processes/cluster.js';
import { countDue, runsOf } from '../support/apps/due-runs.js';
import { Jobbers } from '../support/apps/jobbers.js';
import { Lab, cutBetween, healAll } from '../support/net/net-lab.js';
import type { Program } from '../support/processes/programs.js';
import { stopPrograms } from '../support/processes/programs.js';
import { has } from '../support/requirements.mjs';

const HOSTS = 5;
const SECOND_MS = 1_000;
const LATE_MS = 3_000;
/** Long enough to be met in the middle, also by a test that is late. */
const WORK_MS = 900;
/** A busy machine may take this long for anything. */
const PATIENCE_MS = 60_000;

/** When a process began to lead, and when it ended. */
function leadsOf({ lines }: Program): { readonly fromMs: number; readonly toMs: number }[] {
  const leads: { fromMs: number; toMs: number }[] = [];
  for (const line of lines) {
    const [, what, atMs] = /^(leads|led) (\d+)$/.exec(line) ?? [];
    if (what === 'leads') leads.push({ fromMs: Number(atMs), toMs: Infinity });
    else if (what === 'led') leads.at(-1)!.toMs = Number(atMs);
  }
  return leads;
}

const leads = (program: Program): boolean => leadsOf(program).at(-1)?.toMs === Infinity;

const ran = (program: Program, dueMs: number): boolean =>
  program.lines.some((line) => line.startsWith(`ran ${dueMs} `));

const toldTwice = ({ lines }: Program): number[] =>
  lines.flatMap((line) => /^told duplicate (\d+)$/.exec(line)?.slice(1).map(Number) ?? []);

describe.skipIf(!has('netns'))('a job of five hosts', () => {
  let lab: Lab;
  let majority: Jobbers;
  let rerun: Jobbers;

  beforeAll(async () => {
    lab = await Lab.open(HOSTS);
    const jobbers = (
      port: number,
      more: Omit<JobberConfig, 'options' | 'names' | 'kind'>,
      options: PeerageModuleOptions = {},
    ): Jobbers =>
      new Jobbers(lab.hosts, ({ address: host }) => ({
        ...more,
        kind: 'run-once',
        names: lab.hosts.map(({ address }) => `app@${address}:${port}`),
        options: {
          appName: 'app',
          host,
          port,
          secret: SECRET,
          ...options,
        },
      }));
    majority = jobbers(4_401, { workMs: WORK_MS, rules: { lateMs: LATE_MS } }, { quorum: { of: HOSTS } });
    rerun = jobbers(4_402, { workMs: WORK_MS, rules: { lateMs: LATE_MS, onLoss: 'rerun' } });
    await Promise.all([majority.startAll(), rerun.startAll()]);
  });
  afterAll(async () => {
    await stopPrograms([majority, rerun].flatMap((jobbers) => jobbers?.started ?? []));
    await lab?.close();
  });

  const leaders = ({ current }: Jobbers): Program[] =>
    current.filter((program) => program.isRunning && leads(program));

  /** Waits for the next run, which is under way then. */
  async function nextRun(jobbers: Jobbers): Promise<{ readonly program: Program; readonly dueMs: number }> {
    const programs = jobbers.current.map((program) => ({ program, from: program.lines.length }));
    const news = () =>
      programs.flatMap(({ program, from }) => {
        const line = program.lines.slice(from).find((each) => each.startsWith('ran '));
        return line === undefined ? [] : [{ program, dueMs: Number(line.split(' ')[1]) }];
      });
    await until(
      () => news().length > 0,
      () => 'nothing was run',
      PATIENCE_MS,
    );
    return news()[0]!;
  }

  /** Sends a signal to whoever has the next run, while it is under way. */
  async function interrupt(jobbers: Jobbers, signal: NodeJS.Signals): ReturnType<typeof nextRun> {
    const run = await nextRun(jobbers);
    run.program.signal(signal);
    return run;
  }

  it('is led, and run, by the majority of a cut, or by both sides, which are told of it', async () => {
    await until(
      () => leaders(majority).length === 1 && leaders(rerun).length === 1,
      () => 'not one leads',
      PATIENCE_MS,
    );
    // The lead has to move.
    const first = majority.current.indexOf(leaders(majority)[0]!);
    const few = [first, (first + 1) % HOSTS];
    const isFew = (_: unknown, i: number): boolean => few.includes(i);
    const isMany = (_: unknown, i: number): boolean => !few.includes(i);
    const bothSides = [isFew, isMany];
    const fromMs = Date.now();

    await cutBetween(lab.hosts.filter(isFew), lab.hosts.filter(isMany));
    const leadersOf = (jobbers: Jobbers): number[] =>
      bothSides.map((isThere) => jobbers.current.filter(isThere).filter(leads).length);
    await until(
      () => String([leadersOf(majority), leadersOf(rerun)]) === '0,1,1,1',
      () =>
        `of few and many lead ${String(leadersOf(majority))}; without a quorum ${String(leadersOf(rerun))}`,
      PATIENCE_MS,
    );
    const apartMs = Date.now() + SECOND_MS;
    await sleep(5 * SECOND_MS);
    const firstMs = Math.ceil(apartMs / SECOND_MS) * SECOND_MS;
    const dues = [0, 1, 2, 3].map((i) => firstMs + i * SECOND_MS);
    const runsOfSides = (jobbers: Jobbers): string =>
      dues
        .map((dueMs) =>
          bothSides.map((isThere) => runsOf(jobbers.current.filter(isThere)).get(dueMs) ?? 0).join('+'),
        )
        .join(' ');
    await until(
      () => runsOfSides(majority) === '0+1 0+1 0+1 0+1' && runsOfSides(rerun) === '1+1 1+1 1+1 1+1',
      () => `few + many ran ${runsOfSides(majority)}; without a quorum ${runsOfSides(rerun)}`,
      PATIENCE_MS,
    );
    await healAll(lab.hosts);

    await until(
      () => leaders(majority).length === 1 && leaders(rerun).length === 1,
      () => 'not one leads when it has healed',
      PATIENCE_MS,
    );
    // Every process tells of every one of them, and of nothing that was run once.
    const { twice } = countDue(runsOf(rerun.current), fromMs, Date.now());
    await until(
      () => rerun.current.every((program) => twice.every((dueMs) => toldTwice(program).includes(dueMs))),
      () => `${String(twice)} were run twice; told was ${rerun.current.map(toldTwice).join(' and ')}`,
      PATIENCE_MS,
    );
    const runs = runsOf(rerun.current);
    for (const dueMs of rerun.current.flatMap(toldTwice)) expect(runs.get(dueMs)).toBeGreaterThan(1);
    expect(majority.current.flatMap(toldTwice)).toEqual([]);
    expect(countDue(runsOf(majority.current), fromMs, Date.now()).twice).toEqual([]);
    const spans = majority.current.flatMap(leadsOf).toSorted((a, b) => a.fromMs - b.fromMs);
    expect(spans.length).toBeGreaterThan(1);
    for (const [i, { toMs }] of spans.slice(0, -1).entries()) expect(toMs).toBeLessThan(spans[i + 1]!.fromMs);
  });

  it('whose owner is stopped for longer than it may be late is run by another, again or not as it wants', async () => {
    const fromMs = Date.now();
    const [lost, again] = await Promise.all([interrupt(majority, 'SIGSTOP'), interrupt(rerun, 'SIGSTOP')]);
    await sleep(LATE_MS + 2 * SECOND_MS);
    await until(
      () => rerun.current.some((program) => program !== again.program && ran(program, again.dueMs)),
      () => `what was under way was not run again: ${again.dueMs}`,
      PATIENCE_MS,
    );
    const toMs = Date.now();
    for (const { program } of [lost, again]) program.signal('SIGCONT');
    // It has run after all, and all are told.
    await until(
      () => rerun.current.every((program) => toldTwice(program).includes(again.dueMs)),
      () => `not all have told that ${again.dueMs} was run twice`,
      PATIENCE_MS,
    );
    const missing = (jobbers: Jobbers): readonly number[] =>
      countDue(runsOf(jobbers.current), fromMs, toMs).notRun;
    // It may have claimed what was due when it was stopped.
    const isLost = (dueMs: number): boolean => Math.abs(dueMs - lost.dueMs) <= SECOND_MS;
    await until(
      () => missing(majority).every(isLost) && missing(rerun).length === 0,
      () => `not run: ${String(missing(majority))}; with rerun ${String(missing(rerun))}`,
      PATIENCE_MS,
    );
    expect(countDue(runsOf(majority.current), fromMs, toMs).twice).toEqual([]);
  });

  it('whose owner is killed in the middle of a run is run again by another, if it wants that', async () => {
    const [lost, again] = await Promise.all([interrupt(majority, 'SIGKILL'), interrupt(rerun, 'SIGKILL')]);
    await until(
      () => rerun.current.some((program) => program !== again.program && ran(program, again.dueMs)),
      () => `what was under way was not run again: ${again.dueMs}`,
      PATIENCE_MS,
    );
    await sleep(SECOND_MS);
    expect(runsOf(majority.current).get(lost.dueMs)).toBe(1);
  });
});
