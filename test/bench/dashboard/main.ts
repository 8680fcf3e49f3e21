import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { CDPSession, Page } from 'playwright-core';
import type { DashboardConfig } from '../../programs/dashboard-config.js';
import type { ManyNodesConfig } from '../../programs/node-config.js';
import { Chromium, says, widthsOf } from '../../support/pages/browser.js';
import { freePorts } from '../../support/processes/cluster.js';
import { type Program, startProgram, stopPrograms } from '../../support/processes/programs.js';

const SECRET = 'a secret of the benchmark, long enough';
const PER_PROCESS = 20;
/** So long the serving node is busy with a node that is gone, at most. */
const AFTER_MS = 10_000;
/** Clock ticks a second, of the times in /proc/<pid>/stat. */
const TICKS = 100;

interface Row {
  readonly nodes: number;
  /** From opening the page until it shows everybody. */
  readonly wholeMs: number;
  readonly firstBytes: number;
  readonly bytesPerSecond: number;
  readonly messagesPerSecond: number;
  /** Of a core: the serving node without a page, and with one. */
  readonly idleShare: number;
  readonly openShare: number;
  /** Of a core: the page, and for one message. */
  readonly pageShare: number;
  readonly drawMs: number;
  /** From the kill of a process with one node until the page shows that it is gone, and what that costs the serving node. */
  readonly oneGoneMs: number;
  readonly oneGoneCpuMs: number;
  /** The same for a process with twenty nodes. */
  readonly manyGoneMs: number;
  readonly phone: string;
}

/** Prints what an open page costs. */
export async function main(args: string[]): Promise<void> {
  const options = {
    nodes: { type: 'string', default: '3,30,100' },
    seconds: { type: 'string', default: '30' },
  } as const;
  const { values } = parseArgs({ args, options });
  const rows: Row[] = [];
  for (const count of values.nodes.split(',').map(Number)) {
    rows.push(await measure(count, Number(values.seconds)));
    console.error(JSON.stringify(rows.at(-1)));
  }
  console.table(rows);
}

async function measure(count: number, seconds: number): Promise<Row> {
  const programs: Program[] = [];
  const chromium = await Chromium.start();
  try {
    const { server, url, others } = await start(count, programs);
    console.error(`${count} nodes are a mesh`);
    await sleep(5_000);
    const idleShare = await shareOf(server.pid, seconds);
    const openedAt = performance.now();
    const page = await chromium.page(`${url}/peerage`);
    await says(page, '#summary', new RegExp(`^${count} nodes, each sees every other$`), 60_000);
    const wholeMs = performance.now() - openedAt;
    console.error(`the page shows them after ${Math.round(wholeMs)} ms`);
    await sleep(3_000);
    const ending = new AbortController();
    const news = listen(`${url}/peerage/events`, ending.signal);
    await sleep(1_000);
    const [messages, bytes] = [news.messages, news.bytes];
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const drawn = await secondsOf(session);
    const openShare = await shareOf(server.pid, seconds);
    const pageSeconds = (await secondsOf(session)) - drawn;
    const heard = news.messages - messages;
    const bytesPerSecond = (news.bytes - bytes) / seconds;
    console.error(`${heard} messages, ${Math.round(bytesPerSecond)} bytes/s, ${openShare} of a core`);
    await page.setViewportSize({ width: 360, height: 700 });
    const [wide, shown] = await widthsOf(page);
    const phone = wide === shown ? 'fits' : `${wide} of ${shown}`;
    await page.setViewportSize({ width: 1_280, height: 800 });
    const [one, many] = [others.at(-1)!, others[0]!];
    const before = ticksOf(server.pid);
    const oneGoneMs = await goneAfter(one, page, count - 1);
    await sleep(AFTER_MS);
    const spentMs = ((ticksOf(server.pid) - before) / TICKS) * 1_000;
    const oneGoneCpuMs = spentMs - openShare * (oneGoneMs + AFTER_MS);
    console.error(
      `one is gone after ${Math.round(oneGoneMs)} ms, for ${Math.round(oneGoneCpuMs)} ms of a processor`,
    );
    const manyGoneMs = await goneAfter(many, page, count - 1 - sizes.get(many)!);
    ending.abort();
    return {
      nodes: count,
      wholeMs,
      firstBytes: news.firstBytes,
      bytesPerSecond,
      messagesPerSecond: heard / seconds,
      idleShare,
      openShare,
      pageShare: pageSeconds / seconds,
      drawMs: (1_000 * pageSeconds) / heard,
      oneGoneMs,
      oneGoneCpuMs,
      manyGoneMs,
      phone,
    };
  } finally {
    await chromium.stop();
    await stopPrograms(programs);
  }
}

const sizes = new Map<Program, number>();

/** Kills a process, and says how long it took until the page showed that only so many nodes are left. */
async function goneAfter(program: Program, page: Page, left: number): Promise<number> {
  const killedAt = performance.now();
  await program.kill();
  await says(page, '#summary', new RegExp(`^(${left} nodes?[,;]|One node)`), 60_000);
  return performance.now() - killedAt;
}

/** The serving node, and the others, in a whole mesh. */
async function start(
  count: number,
  programs: Program[],
): Promise<{ server: Program; url: string; others: Program[] }> {
  const [own, ...ports] = await freePorts(count);
  const seeds = [own!, ...ports].slice(0, 3).map((port) => `app@127.0.0.1:${port}`);
  const config: DashboardConfig = {
    http: 'express',
    names: seeds,
    options: { appName: 'app', secret: SECRET, bind: '127.0.0.1', port: own! },
  };
  const server = startProgram('dashboard', { args: [JSON.stringify(config)] });
  programs.push(server);
  const [, http] = await server.line(/^ready (\d+)$/, { timeoutMs: 60_000 });
  const others: Program[] = [];
  let joined = 0;
  // Each process joins the ones before it: TLS handshakes take their time.
  for (const group of groupsOf(ports)) {
    const many: ManyNodesConfig = { ports: group, seeds, secret: SECRET };
    const program = startProgram('many-nodes', { args: [JSON.stringify(many)] });
    programs.push(program);
    others.push(program);
    sizes.set(program, group.length);
    await program.line(/"started"/, { timeoutMs: 120_000 });
    joined += group.length;
    await whole(program, joined);
  }
  for (const program of others) await whole(program, count - 1);
  return { server, url: `http://127.0.0.1:${http}`, others };
}

/** The last one has a process of its own, which is killed first. */
function groupsOf(ports: readonly number[]): number[][] {
  const groups: number[][] = [];
  for (let i = 0; i < ports.length - 1; i += PER_PROCESS)
    groups.push(ports.slice(i, Math.min(i + PER_PROCESS, ports.length - 1)));
  return [...groups, ports.slice(-1)];
}

async function whole(program: Program, peers: number): Promise<void> {
  const from = program.lines.length;
  program.write(`wait ${peers}`);
  await program.line(/"whole"/, { from, timeoutMs: 120_000 });
}

/** What share of a core a process uses. */
async function shareOf(pid: number, seconds: number): Promise<number> {
  const before = ticksOf(pid);
  await sleep(seconds * 1_000);
  return (ticksOf(pid) - before) / TICKS / seconds;
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** What a page has used of the processor so far: scripts, layout and styles. */
async function secondsOf(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')!.value;
}

interface News {
  messages: number;
  bytes: number;
  firstBytes: number;
}

/** Counts what a second page would be sent. */
function listen(url: string, signal: AbortSignal): News {
  const news: News = { messages: 0, bytes: 0, firstBytes: 0 };
  const read = async (): Promise<void> => {
    const { body } = await fetch(url, { signal });
    let text = '';
    for await (const part of body!.pipeThrough(new TextDecoderStream())) {
      const parts = `${text}${part}`.split('\n\n');
      text = parts.pop()!;
      for (const message of parts.filter((one) => one.startsWith('data: '))) {
        if (news.messages === 0) news.firstBytes = message.length;
        else news.bytes += message.length;
        news.messages += 1;
      }
    }
  };
  read().catch(() => {});
  return news;
}
