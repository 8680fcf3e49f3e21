/**
 * A replica with a job that is due every second. It says on its standard output which due times it has run, what was
 * told of them, when it begins and ends to lead, and, when it is asked, what that cost. Its configuration comes as JSON in its first argument.
 */
import 'reflect-metadata';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { Redis } from 'ioredis';
import { ClusterService, OnCoordinator, PeerageModule, RunOnce, claimsIn, viaList } from 'nestjs-peerage';
import type { Held, RunContext } from 'nestjs-peerage';
import pg from 'pg';
import type { JobberConfig } from './jobber-config.js';

const config = JSON.parse(process.argv[2] ?? '{}') as JobberConfig;
const EVERY_SECOND = '* * * * * *';
/** Shorter than the time between two runs, as it is written by hand. */
const LOCK_MS = 500;

const redis =
  config.redisUrl === undefined ? undefined : new Redis(config.redisUrl, { maxRetriesPerRequest: 1 });
redis?.on('error', () => {});
const pool =
  config.postgresUrl === undefined
    ? undefined
    : new pg.Pool({
        connectionString: config.postgresUrl,
        connectionTimeoutMillis: 1_000,
        query_timeout: 1_000,
      });
pool?.on('error', () => {});
const client = config.store === 'postgres' ? pool : redis;
const store = config.store === undefined ? undefined : claimsIn(client!);

let ran = 0;

async function work(dueMs: number): Promise<void> {
  ran += 1;
  if (config.jobs === undefined) console.log(`ran ${dueMs} ${Date.now()}`);
  await sleep(config.workMs);
}

const secondNow = (): number => Math.floor(Date.now() / 1_000) * 1_000;

@Injectable()
class RunOnceJob {
  @RunOnce({ ...config.rules, store, name: 'job' })
  @Cron(EVERY_SECOND)
  run({ dueAt }: RunContext): Promise<void> {
    return work(dueAt.getTime());
  }
}

@Injectable()
class Lead {
  @OnCoordinator()
  async lead({ signal }: Held): Promise<void> {
    console.log(`leads ${Date.now()}`);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    console.log(`led ${Date.now()}`);
  }
}

@Injectable()
class PlainJob {
  @Cron(EVERY_SECOND)
  run(): Promise<void> {
    return work(secondNow());
  }
}

@Injectable()
class RedisLockJob {
  @Cron(EVERY_SECOND)
  async run(): Promise<void> {
    const dueMs = secondNow();
    if ((await redis!.set('lock', process.pid, 'PX', LOCK_MS, 'NX')) === 'OK') await work(dueMs);
  }
}

@Injectable()
class PostgresLockJob {
  @Cron(EVERY_SECOND)
  async run(): Promise<void> {
    const dueMs = secondNow();
    const connection = await pool!.connect();
    try {
      const { rows } = await connection.query<{ locked: boolean }>(
        'SELECT pg_try_advisory_lock(1) AS locked',
      );
      if (rows[0]?.locked !== true) return;
      await work(dueMs);
      await connection.query('SELECT pg_advisory_unlock(1)');
    } finally {
      connection.release();
    }
  }
}

/** Many jobs of one kind, each with a lock or a name of its own. */
class ManyJobs {}
for (let i = 0; i < (config.jobs ?? 0); i++) {
  const method = `job${i}`;
  const isLock = config.kind === 'redis-lock';
  const value = async (): Promise<void> => {
    if (!isLock || (await redis!.set(`lock${i}`, process.pid, 'PX', LOCK_MS, 'NX')) === 'OK') await work(0);
  };
  const descriptor = { value, configurable: true, writable: true };
  Cron(EVERY_SECOND)(ManyJobs.prototype, method, descriptor);
  if (!isLock) RunOnce({ ...config.rules, name: method })(ManyJobs.prototype, method, descriptor);
  Object.defineProperty(ManyJobs.prototype, method, descriptor);
}

const JOBS = {
  'run-once': RunOnceJob,
  schedule: PlainJob,
  'redis-lock': RedisLockJob,
  'postgres-lock': PostgresLockJob,
};

@Module({
  imports: [
    ScheduleModule.forRoot(),
    PeerageModule.forRoot({ ...config.options, via: viaList([...config.names]) }),
  ],
  providers: config.jobs === undefined ? [JOBS[config.kind], Lead] : [ManyJobs],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
const cluster = app.get(ClusterService);
cluster.runs$.subscribe((event) => {
  if (config.jobs !== undefined) return;
  const why = event.type === 'skipped' ? ` ${event.reason}` : '';
  console.log(`told ${event.type} ${event.dueAt.getTime()}${why}`);
});
createInterface({ input: process.stdin }).on('line', () => {
  const { user, system } = process.cpuUsage();
  console.log(`cost ${user + system} ${ran} ${cluster.stats().messages.sent.count}`);
});
await cluster.settled;
console.log('ready');
