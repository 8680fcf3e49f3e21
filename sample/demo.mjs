/**
 * `npm run demo`: three real processes of sample/01-quick-start and one of sample/09-dashboard find each other. Then
 * one is killed and comes back, and the others tell how soon they knew. `npm run demo -- --stay` goes on until Ctrl-C.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DemoNode } from './demo/demo-node.mjs';
import { prepare } from './demo/prepare.mjs';
import { Screen, paint } from './demo/screen.mjs';
import { Stage } from './demo/stage.mjs';

const SAMPLES = { A: '01-quick-start', B: '01-quick-start', C: '01-quick-start', D: '09-dashboard' };
const stays = process.argv.includes('--stay');

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupted.abort());

process.exitCode = await main();

async function main() {
  try {
    await prepare(interrupted.signal);
    await withNodes(play);
    return 0;
  } catch (error) {
    if (interrupted.signal.aborted) return stays ? 0 : 130;
    console.error(`\nThe demo failed. ${error.message}`);
    return 1;
  }
}

/** Runs `story` with four nodes in a world of their own, and ends them whatever happens. */
async function withNodes(story) {
  const world = mkdtempSync(join(tmpdir(), 'peerage-demo-'));
  const nodes = [];
  const screen = new Screen(nodes);
  const stage = new Stage(nodes, screen, interrupted.signal);
  // The same for a D that is started again, so that open pages find it.
  const env = { ...process.env, ...settingOf(world), HTTP_PORT: String(await freePort()) };
  for (const [letter, sample] of Object.entries(SAMPLES))
    nodes.push(new DemoNode(letter, sample, env, stage.changed));
  const destroyAll = () => nodes.forEach((node) => node.destroy());
  process.once('exit', destroyAll);
  try {
    await story(stage, screen, nodes);
  } finally {
    stage.isOver = true;
    await Promise.all(nodes.map((node) => node.stop()));
    process.removeListener('exit', destroyAll);
    rmSync(world, { recursive: true, force: true });
  }
}

/** `viaLocal()` keeps its folder in the temporary one; a label of their own keeps two demos apart. */
function settingOf(world) {
  const strangers = Object.keys(process.env).filter((key) => /^(PEERAGE_.*|POD_IP)$/.test(key));
  const cleared = Object.fromEntries(strangers.map((key) => [key, undefined]));
  return { ...cleared, TMPDIR: world, TEMP: world, TMP: world, CLUSTER: basename(world), NO_COLOR: '1' };
}

/** A port of loopback that nobody listens on now. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

async function play(stage, screen, nodes) {
  const [a, b, c, d] = nodes;
  const isWhole = () => nodes.every(({ peers }) => peers.size === nodes.length - 1);
  screen.say(`\nThree processes of sample/01-quick-start, which knows no address:`);
  screen.say(`${paint('bold', 'PeerageModule.forRoot({ via: viaLocal() })')}`);
  screen.say(`and one, D, that also imports PeerageDashboardModule.\n`);
  const togetherMs = await timeOf(async () => {
    nodes.forEach((node) => node.start());
    screen.tell('A, B, C and D were started');
    await stage.until(isWhole, 'The four did not all see each other');
  });
  screen.tell(paint('bold', `One cluster, ${seconds(togetherMs)} after the start of the processes`));
  screen.snapshot();
  await stage.until(() => d.dashboard !== undefined, 'D did not serve the dashboard');
  screen.tell(`Watch it in a browser: ${paint('bold', d.dashboard)}`);
  await stage.pause(2_000);

  const gone = { bootId: bootIdOf(c, a), atMs: c.kill() };
  screen.tell(paint('bold', `kill -9 ${c.pid}: C is gone, without a word`));
  await stage.until(
    () => [a, b, d].every(({ peers }) => !peers.has(gone.bootId)),
    'A, B and D did not all notice that C is gone',
  );
  const [aMs, bMs] = [a, b].map((node) => stage.downAt(node, gone.bootId) - gone.atMs);
  screen.tell(paint('bold', `A knew after ${aMs} ms, B after ${bMs} ms`));
  screen.snapshot();
  await stage.pause(2_000);

  const backMs = await timeOf(async () => {
    c.start();
    screen.tell('C was started again');
    await stage.until(isWhole, 'C did not come back');
  });
  screen.tell(paint('bold', `C is back, ${seconds(backMs)} after the start of its process`));
  screen.snapshot();

  if (stays) await stay(stage, screen, nodes, d.dashboard);
  else await end(stage, screen, nodes, { togetherMs, aMs, bMs, backMs });
}

async function stay(stage, screen, nodes, dashboard) {
  screen.tell('Now it is your turn: kill or stop a process in another terminal. Ctrl-C ends the demo.');
  screen.tell(`Watch what happens: ${paint('bold', dashboard)}`);
  stage.allowsEnds = true;
  for (;;) {
    await stage.pause(3_000);
    for (const node of nodes.filter(({ isAlive }) => !isAlive)) {
      node.start();
      screen.tell(`${node.letter} was started again`);
    }
  }
}

async function end(stage, screen, nodes, { togetherMs, aMs, bMs, backMs }) {
  await stage.pause(1_000);
  stage.allowsEnds = true;
  screen.tell('All are asked to end (SIGTERM)');
  for (const node of nodes) {
    const code = await node.stop();
    if (code !== 0) throw new Error(`${node.letter} ended with exit code ${code} instead of 0.`);
  }
  screen.refresh();
  screen.finish();
  console.log(`
Found each other in ${seconds(togetherMs)}. The death of C was known after ${aMs} and ${bMs} ms. C was back in ${seconds(backMs)}.

Next:
  npm run demo -- --stay            the same, and then you kill processes yourself and watch the dashboard
  sample/01-quick-start/src         the whole app: under 50 lines
  docs/getting-started.md           your own app, from here to Kubernetes
`);
}

/** The boot id by which `witness` knows `node`. */
function bootIdOf(node, witness) {
  return [...witness.peers].find(([, name]) => name === node.name)?.[0];
}

async function timeOf(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function seconds(ms) {
  return `${(ms / 1_000).toFixed(2)} s`;
}
