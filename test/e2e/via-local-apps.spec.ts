import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeConfig } from '../programs/node-config.js';
import { freePorts } from '../support/processes/cluster.js';
import { Program, stopPrograms } from '../support/processes/programs.js';

const node = fileURLToPath(new URL('../../build/test/programs/node.js', import.meta.url));
const HINT = /another program, .* \(process \d+\), is in the cluster "shop" too/;
/** Several polls, and whatever they lead to. */
const POLLS_MS = 3_000;

let root: string;
const programs: Program[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'via-local-apps-'));
});
afterEach(async () => {
  await stopPrograms(programs.splice(0));
  rmSync(root, { recursive: true, force: true });
});

/** An app with a package of its own, as in a repository of several. */
async function start(folder: string, config: NodeConfig = {}): Promise<Program> {
  const script = join(root, folder, 'main.mjs');
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ name: 'shop' }));
  writeFileSync(script, `import ${JSON.stringify(node)};`);
  const [port = 0] = await freePorts(1);
  const options = { port, intervalMs: 500, via: [{ local: { dir: join(root, 'peers') } }], ...config };
  const program = new Program(script, { args: [JSON.stringify(options)] });
  programs.push(program);
  await program.line(/"type":"started"/);
  return program;
}

const isUp = (program: Program) => program.line(/"type":"peer\.up"/);
const warningsOf = ({ lines }: Program) => lines.filter((line) => /\b(WARN|ERROR)\b/.test(line));

describe('apps on one machine', () => {
  it('of other clusters leave each other in peace', async () => {
    const shop = await start('shop', { cluster: 'shop' });
    const mail = await start('mail', { cluster: 'mail' });
    const another = await start('mail', { cluster: 'mail' });
    await Promise.all([isUp(mail), isUp(another)]);
    await sleep(POLLS_MS);
    for (const program of programs) {
      expect(warningsOf(program)).toEqual([]);
      expect(program.lines.filter((line) => line.includes('peer.refused'))).toEqual([]);
    }
    expect(shop.lines.filter((line) => line.includes('"type":"peer.up"'))).toEqual([]);
  });

  it('of the same name that nobody chose become peers, and each is told once that it may be another app', async () => {
    const api = await start('api');
    const worker = await start('worker');
    const replica = await start('worker');
    await Promise.all(programs.map((program) => program.line(HINT)));
    await Promise.all([isUp(api), isUp(worker), isUp(replica)]);
    await sleep(POLLS_MS);
    const hints = programs.map(({ lines }) => lines.filter((line) => HINT.test(line)));
    expect(hints.map(({ length }) => length)).toEqual([1, 1, 1]);
    expect(hints[0]?.[0]).toContain(join(root, 'worker', 'main'));
    expect(hints[1]?.[0]).toContain(join(root, 'api', 'main'));
  });

  it('of the same name that was chosen are told nothing', async () => {
    const api = await start('api', { appName: 'shop' });
    const worker = await start('worker', { appName: 'shop' });
    await Promise.all([isUp(api), isUp(worker)]);
    await sleep(POLLS_MS);
    expect(programs.flatMap(warningsOf)).toEqual([]);
  });
});
