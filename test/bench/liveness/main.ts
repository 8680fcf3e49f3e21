import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { wallMs } from '../../support/net/net-commands.js';
import { dropShare, healAll } from '../../support/net/net-lab.js';
import { spread, time } from '../../support/net/net-report.js';
import { has } from '../../support/requirements.mjs';
import { Arena, VICTIM } from './arena.js';
import { erlang, moleculer, peerage, type System } from './rival.js';

interface Options {
  readonly rounds: number;
  /** Who has said nothing by then never will. */
  readonly capMs: number;
  readonly lossMs: number;
}

/** A way for the nodes of one host to be gone, and back. */
interface Cut {
  readonly name: string;
  begin(arena: Arena): Promise<void>;
  end(arena: Arena): Promise<void>;
}

const signalled = (arena: Arena, signal: NodeJS.Signals): void => {
  for (const victim of arena.victims().values()) victim.signal(signal);
};

const CUTS: readonly Cut[] = [
  {
    name: 'SIGKILL',
    begin: async (arena) => signalled(arena, 'SIGKILL'),
    end: (arena) => arena.replaceVictims(),
  },
  {
    name: 'silent cut',
    begin: ({ lab }) => lab.hosts[VICTIM]!.link('down'),
    end: async (arena) => {
      await arena.lab.hosts[VICTIM]!.link('up');
      await arena.whole();
    },
  },
  {
    name: 'SIGSTOP',
    begin: async (arena) => signalled(arena, 'SIGSTOP'),
    end: async (arena) => {
      signalled(arena, 'SIGCONT');
      await arena.whole();
    },
  },
];

/** Prints detection times and false alarms of ours beside others, on the same cuts at the same time. */
export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      cap: { type: 'string', default: '90' },
      loss: { type: 'string', default: '60' },
      systems: { type: 'string', default: 'peerage,moleculer,erlang' },
      json: { type: 'boolean', default: false },
    },
  });
  const options = {
    rounds: Number(values.rounds),
    capMs: Number(values.cap) * 1_000,
    lossMs: Number(values.loss) * 1_000,
  };
  const makers = { peerage, moleculer, erlang };
  const systems = Object.entries(makers).flatMap(([name, make]) =>
    values.systems.split(',').includes(name) ? [make()] : [],
  );
  if (!has('netns'))
    throw new Error('It needs network namespaces: run it as root, with iproute2 and nftables.');
  installRivals();
  const arena = await Arena.open(systems);
  try {
    const detection = await measureDetection(arena, options);
    const alarms = await measureAlarms(arena, options);
    if (values.json) console.log(JSON.stringify({ detection, alarms }, null, 2));
    else console.log(`${table('detection', detection)}\n\n${table('false alarms', alarms)}`);
  } finally {
    await arena.close();
  }
}

type Rows = { readonly what: string; readonly cells: Readonly<Record<string, string>> }[];

async function measureDetection(arena: Arena, { rounds, capMs }: Options): Promise<Rows> {
  const rows: Rows = [];
  for (const cut of CUTS) {
    const samples = new Map<System, number[]>(arena.systems.map((system) => [system, []]));
    for (let round = 0; round < rounds; round++) {
      const fromMs = wallMs();
      await cut.begin(arena);
      const delays = await detections(arena, fromMs, capMs);
      for (const [system, each] of delays) samples.get(system)!.push(...each);
      console.error(
        `${cut.name} ${round + 1}: ${[...delays].map(([s, d]) => `${s.name} ${d.map(shown).join(' ')}`).join(', ')}`,
      );
      await cut.end(arena);
    }
    const cells = [...samples].map(([system, each]) => [system.name, summary(each, capMs)]);
    rows.push({ what: cut.name, cells: Object.fromEntries(cells) });
  }
  return rows;
}

/** For each observer of each system: how long after `fromMs` it said that the victim is down. */
async function detections(arena: Arena, fromMs: number, capMs: number): Promise<Map<System, number[]>> {
  const of = (system: System): number[] =>
    arena.observers(system).map(({ words }) => {
      const word = words.find(
        ({ type, of: index, atMs }) => type === 'down' && index === VICTIM && atMs >= fromMs,
      );
      return word ? word.atMs - fromMs : Number.POSITIVE_INFINITY;
    });
  const isOver = () => arena.systems.every((system) => of(system).every(Number.isFinite));
  while (!isOver() && wallMs() - fromMs < capMs) await sleep(50);
  return new Map(arena.systems.map((system) => [system, of(system)]));
}

/** Nobody dies here: every `down` is a false alarm. */
async function measureAlarms(arena: Arena, { lossMs }: Options): Promise<Rows> {
  const trials: [string, (system: System) => boolean, () => Promise<void>][] = [
    ['stopped for 1 s, three times', () => true, () => stopBriefly(arena)],
    ['event loop blocked for 10 s', ({ hasLoop }) => hasLoop, () => blockLoops(arena, 10_000)],
    [`loss of 20 % each way for ${time(lossMs)}`, () => true, () => lose(arena, 0.2, lossMs)],
  ];
  const rows: Rows = [];
  for (const [what, concerns, perform] of trials) {
    const fromMs = wallMs();
    await perform();
    const count = (system: System) =>
      concerns(system) ? `${arena.downsSince(system, fromMs)}` : '(has none)';
    rows.push({
      what,
      cells: Object.fromEntries(arena.systems.map((system) => [system.name, count(system)])),
    });
    console.error(`${what}: ${JSON.stringify(rows.at(-1)!.cells)}`);
    await arena.whole();
  }
  return rows;
}

async function stopBriefly(arena: Arena): Promise<void> {
  for (let round = 0; round < 3; round++) {
    signalled(arena, 'SIGSTOP');
    await sleep(1_000);
    signalled(arena, 'SIGCONT');
    await sleep(5_000);
  }
}

async function blockLoops(arena: Arena, ms: number): Promise<void> {
  for (const victim of arena.victims().values()) victim.block(ms);
  await sleep(ms + 5_000);
}

async function lose({ lab: { hosts } }: Arena, share: number, ms: number): Promise<void> {
  await Promise.all(hosts.map((host) => host.judgeInput(dropShare(share))));
  await sleep(ms);
  await healAll(hosts);
}

function shown(ms: number): string {
  return Number.isFinite(ms) ? time(ms) : '-';
}

function summary(samples: readonly number[], capMs: number): string {
  const seen = samples.filter(Number.isFinite);
  const missed = samples.length - seen.length;
  const never = `${missed} of ${samples.length} not within ${time(capMs)}`;
  if (seen.length === 0) return never;
  return missed === 0 ? spread(seen) : `${spread(seen)}; ${never}`;
}

function table(title: string, rows: Rows): string {
  const names = Object.keys(rows[0]?.cells ?? {});
  const lines = rows.map(
    ({ what, cells }) => `| ${what} | ${names.map((name) => cells[name]).join(' | ')} |`,
  );
  return [`| ${title} | ${names.join(' | ')} |`, `| --- |${' --- |'.repeat(names.length)}`, ...lines].join(
    '\n',
  );
}

/** They are no dependencies of the package, so they are installed when they are first needed. */
function installRivals(): void {
  const folder = fileURLToPath(new URL('../rivals/', import.meta.url));
  if (existsSync(`${folder}node_modules`)) return;
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm ci in ${folder} failed.`);
}
