import { setTimeout as sleep } from 'node:timers/promises';
import type { JobberConfig } from '../../programs/jobber-config.js';
import { SECRET, freePorts, nameOn } from '../../support/processes/cluster.js';
import type { Program } from '../../support/processes/programs.js';
import { startProgram, stopPrograms } from '../../support/processes/programs.js';
import { RedisServer } from '../../support/providers/redis-server.js';

const SECOND_MS = 1_000;
/** Before that, processes are still starting. */
const WARM_MS = 5 * SECOND_MS;

interface Cost {
  readonly cpuMs: number;
  readonly runs: number;
}

/** What it costs three processes to run so many jobs a second once each: by `@RunOnce()`, and by a lock in Redis. */
export async function rate(jobs: number, seconds: number): Promise<void> {
  const redis = await RedisServer.start();
  try {
    console.log('| | runs a second | CPU of all three processes for each run |');
    console.log('| --- | --- | --- |');
    // Without jobs: what the processes cost anyway.
    const idle = await costOf('redis-lock', 0, seconds, redis.url);
    for (const kind of ['run-once', 'redis-lock'] as const) {
      const { cpuMs, runs } = await costOf(kind, jobs, seconds, redis.url);
      const each = ((cpuMs - idle.cpuMs) / runs).toFixed(2);
      console.log(`| ${kind} | ${(runs / seconds).toFixed(0)} | ${each} ms |`);
    }
  } finally {
    await redis.stop();
  }
}

async function costOf(
  kind: JobberConfig['kind'],
  jobs: number,
  seconds: number,
  redisUrl: string,
): Promise<Cost> {
  const ports = await freePorts(3);
  const programs = ports.map((port) => {
    const options = { appName: 'app', bind: '127.0.0.1', port, secret: SECRET };
    const names = ports.map((each) => nameOn(each));
    const config: JobberConfig = { kind, jobs, options, names, redisUrl, workMs: 0 };
    return startProgram('jobber', { args: [JSON.stringify(config)] });
  });
  try {
    for (const program of programs) await program.line(/^ready$/);
    await sleep(WARM_MS);
    const before = await Promise.all(programs.map(read));
    await sleep(seconds * SECOND_MS);
    const after = await Promise.all(programs.map(read));
    const sum = (costs: readonly Cost[], of: keyof Cost): number =>
      costs.reduce((total, cost) => total + cost[of], 0);
    return {
      cpuMs: sum(after, 'cpuMs') - sum(before, 'cpuMs'),
      runs: sum(after, 'runs') - sum(before, 'runs'),
    };
  } finally {
    await stopPrograms(programs);
  }
}

async function read(program: Program): Promise<Cost> {
  const from = program.lines.length;
  program.write('what did it cost?');
  const [, micros, runs] = await program.line(/^cost (\d+) (\d+)$/, { from });
  return { cpuMs: Number(micros) / 1_000, runs: Number(runs) };
}
