import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { countDue, runsOf } from '../../support/apps/due-runs.js';
import { Lab, cutBetween, healAll } from '../../support/net/net-lab.js';
import { stopPrograms } from '../../support/processes/programs.js';
import { CONTENDERS, Contender } from './contender.js';
import { rate } from './rate.js';
import { Servers } from './servers.js';

const SECOND_MS = 1_000;
/** What is due while sides of a cut find out, and see each other again, counts as during the cut. */
const AROUND_MS = 12 * SECOND_MS;
/** Late runs have ended by then. */
const LATE_MS = 35 * SECOND_MS;

interface Cut {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Ground {
  readonly lab: Lab;
  readonly servers: Servers;
  readonly contenders: readonly Contender[];
  readonly cuts: Cut[];
}

const each = async (
  contenders: readonly Contender[],
  act: (contender: Contender) => unknown,
): Promise<void> => {
  await Promise.all(contenders.map(act));
};

/** The troubles, one after the other; each round changes who has them. */
const troubles: readonly ((ground: Ground, who: number) => Promise<void>)[] = [
  async function kill({ contenders }, who) {
    await each(contenders, (contender) => contender.replica(who).kill());
    await sleep(3 * SECOND_MS);
    await each(contenders, (contender) => contender.begin(who));
  },
  async function freeze({ contenders }, who) {
    await each(contenders, (contender) => contender.replica(who).signal('SIGSTOP'));
    await sleep(12 * SECOND_MS);
    await each(contenders, (contender) => contender.replica(who).signal('SIGCONT'));
  },
  async function roll({ contenders }) {
    for (const i of [0, 1, 2]) await each(contenders, (contender) => contender.restart(i));
  },
  async function cut({ lab, cuts }, who) {
    const nodes = lab.hosts.slice(0, 3);
    const fromMs = Date.now();
    await cutBetween(
      [nodes[who]!],
      nodes.filter((_, i) => i !== who),
    );
    await sleep(15 * SECOND_MS);
    await healAll(nodes);
    cuts.push({ fromMs, toMs: Date.now() + AROUND_MS });
  },
  async function killServers({ servers }) {
    await servers.kill();
    await sleep(8 * SECOND_MS);
    servers.start();
  },
];

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      only: { type: 'string' },
      rate: { type: 'string' },
      seconds: { type: 'string', default: '20' },
    },
  });
  if (values.rate !== undefined) return rate(Number(values.rate), Number(values.seconds));
  const names = values.only?.split(',') ?? Object.keys(CONTENDERS);
  const lab = await Lab.open(4);
  const servers = new Servers(lab.hosts[3]!);
  const contenders = names.map((name, i) => new Contender(name, i, lab.hosts.slice(0, 3), servers));
  const ground: Ground = { lab, servers, contenders, cuts: [] };
  try {
    servers.start();
    await sleep(3 * SECOND_MS);
    for (const contender of contenders) await contender.startAll();
    await sleep(5 * SECOND_MS);
    const fromMs = Date.now();
    await trouble(ground, fromMs + Number(values.minutes) * 60 * SECOND_MS);
    const toMs = Date.now();
    await sleep(LATE_MS);
    report(ground, fromMs, toMs);
  } finally {
    await stopPrograms(contenders.flatMap(({ started }) => started));
    await servers.stop();
    await lab.close();
  }
}

async function trouble(ground: Ground, untilMs: number): Promise<void> {
  for (let i = 0; Date.now() < untilMs; i++) {
    await sleep(8 * SECOND_MS);
    const act = troubles[i % troubles.length]!;
    const who = Math.floor(i / troubles.length) % 3;
    const fromMs = Date.now();
    await act(ground, who);
    const leftS = Math.round((untilMs - fromMs) / SECOND_MS);
    const whom = act.name === 'roll' || act.name === 'killServers' ? '' : ` ${who}`;
    console.error(`${leftS} s left: ${act.name}${whom}, ${clock(fromMs)} to ${clock(Date.now())}`);
  }
}

/** As `12:34:56` of UTC. */
function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

function report({ contenders, cuts }: Ground, fromMs: number, toMs: number): void {
  const isCut = (ms: number): boolean => cuts.some((cut) => ms >= cut.fromMs - SECOND_MS && ms <= cut.toMs);
  const rows = contenders.map(({ name, started }) => {
    const { due, once, notRun, twice } = countDue(runsOf(started), fromMs, toMs);
    const cutTwice = twice.filter(isCut).length;
    if (notRun.length > 0) console.error(`${name}, not run: ${notRun.map(clock).join(' ')}`);
    return [name, due, once, notRun.length, twice.length - cutTwice, cutTwice].join(' | ');
  });
  console.log('| | due | run once | not run | run twice or more | the same, around a cut |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  for (const row of rows) console.log(`| ${row} |`);
}
