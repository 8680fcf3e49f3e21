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
  /** Between nodes, and to and from Redis. */
  readonly messages: number;
}

/** What it costs three processes to run so many jobs a second once each: by `@RunOnce()`, and by a lock in Redis. */
export async function rate(jobs: number, seconds: number): Promise<void> {
  const redis = await RedisServer.start();
  try {
    console.log('| | runs a second | CPU for each run, of all processes | messages for each run |');
    console.log('| --- | --- | --- | --- |');
    // Without jobs: what the processes cost anyway.
    const idle = await costOf('redis-lock', 0, seconds, redis);
    for (const kind of ['run-once', 'redis-lock'] as const) {
      const { cpuMs, runs, messages } = await costOf(kind, jobs, seconds, redis);
      const each = ((cpuMs - idle.cpuMs) / runs).toFixed(2);
      const sent = ((messages - idle.messages) / runs).toFixed(1);
      console.log(`| ${kind} | ${(runs / seconds).toFixed(0)} | ${each} ms | ${sent} |`);
    }
  } finally {
    await redis.stop();
  }
}

async function costOf(
  kind: JobberConfig['kind'],
  jobs: number,
  seconds: number,
  redis: RedisServer,
): Promise<Cost> {
  const ports = await freePorts(3);
  const programs = ports.map((port) => {
    const options = { appName: 'app', bind: '127.0.0.1', port, secret: SECRET };
    const names = ports.map((each) => nameOn(each));
    const config: JobberConfig = { kind, jobs, options, names, redisUrl: redis.url, workMs: 0 };
    return startProgram('jobber', { args: [JSON.stringify(config)] });
  });
  try {
    for (const program of programs) await program.line(/^ready$/);
    await sleep(WARM_MS);
    // Half a second from what is due, before and after.
    await sleep((1.5 * SECOND_MS - (Date.now() % SECOND_MS)) % SECOND_MS);
    const readAll = () => Promise.all([...programs.map(read), readRedis(redis)]);
    const before = await readAll();
    await sleep(seconds * SECOND_MS);
    const after = await readAll();
    const sum = (costs: readonly Cost[], of: keyof Cost): number =>
      costs.reduce((total, cost) => total + cost[of], 0);
    const spent = (of: keyof Cost): number => sum(after, of) - sum(before, of);
    return { cpuMs: spent('cpuMs'), runs: spent('runs'), messages: spent('messages') };
  } finally {
    await stopPrograms(programs);
  }
}

async function read(program: Program): Promise<Cost> {
  const from = program.lines.length;
  program.write('what did it cost?');
  const [, micros, runs, messages] = await program.line(/^cost (\d+) (\d+) (\d+)$/, { from });
  return { cpuMs: Number(micros) / 1_000, runs: Number(runs), messages: Number(messages) };
}

/** Each command has a reply. */
async function readRedis(redis: RedisServer): Promise<Cost> {
  const info = await redis.run((client) => client.info());
  const value = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  const cpuMs = (value('used_cpu_sys') + value('used_cpu_user')) * SECOND_MS;
  return { cpuMs, runs: 0, messages: 2 * value('total_commands_processed') };
}
