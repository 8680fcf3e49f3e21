#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { describeError } from '../errors/peerage-error.js';
import type { Command } from './command.js';
import { readCommand, USAGE } from './command.js';
import { discover } from './discover.js';
import { doctor } from './doctor/doctor.js';
import { status } from './status.js';
import { sleep } from '../time/waiting.js';

/** Exit codes, beside 0. */
const UNWELL = 1;
const MISUSED = 2;

const WATCH_EVERY_MS = 5_000;

const write = (text: string): void => void process.stdout.write(text);

async function main(): Promise<number> {
  const command = await readCommand(process.argv.slice(2), process.env);
  if (command === 'help' || command === 'version') {
    write(command === 'help' ? USAGE : `${ownVersion()}\n`);
    return 0;
  }
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    return (await runAll(command, stopped.signal)) ? 0 : UNWELL;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

/** One round, or rounds until the signal aborts. What the last one says counts. */
async function runAll(command: Command, signal: AbortSignal): Promise<boolean> {
  if (!command.watch) return run(command, signal);
  let isWell = false;
  for (let round = 1; !signal.aborted; round += 1) {
    if (round > 1 && !command.json) write('\n');
    isWell = await run(command, signal);
    await sleep(WATCH_EVERY_MS, signal);
  }
  return isWell;
}

function run(command: Command, signal: AbortSignal): Promise<boolean> {
  switch (command.verb) {
    case 'discover':
      return discover(command, write, signal);
    case 'doctor':
      return doctor(command, write, signal);
    case 'status':
      return status(command, write);
  }
}

function ownVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = MISUSED;
}
