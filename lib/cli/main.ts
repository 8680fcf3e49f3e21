#!/usr/bin/env node
import { describeError } from '../errors/peerage-error.js';
import { readCommand, USAGE } from './command.js';
import { discover, discoverAgainAndAgain } from './discover.js';

/** Exit codes, beside 0. */
const UNREACHED = 1;
const MISUSED = 2;

const write = (text: string): void => void process.stdout.write(text);

async function main(): Promise<number> {
  const command = await readCommand(process.argv.slice(2), process.env);
  if (command === 'help') {
    write(USAGE);
    return 0;
  }
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const isReached = command.watch
      ? await discoverAgainAndAgain(command, write, stopped.signal)
      : await discover(command, write, stopped.signal);
    return isReached ? 0 : UNREACHED;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = MISUSED;
}
