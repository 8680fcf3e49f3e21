import type { ClaimStore } from '../claim-store.js';

/**
 * Of a client of `ioredis` or `redis`, what is used.
 *
 * @publicApi
 */
export type RedisLike =
  | { call(command: string, ...words: string[]): Promise<unknown> }
  | { sendCommand(words: string[]): Promise<unknown> };

type Command = (command: string, ...words: string[]) => Promise<unknown>;

/** Nobody claims a run that is older than this. */
const KEEP_MS = 7 * 86_400_000;

/** A key for each run; and the latest of each job in one sorted set. */
export function redisClaims(command: Command): ClaimStore {
  return {
    claim: async (job, dueAt, by) => {
      const key = `peerage:run:${job}:${dueAt.getTime()}`;
      const isSet = (await command('SET', key, by, 'PX', String(KEEP_MS), 'NX')) !== null;
      if (isSet) await command('ZADD', 'peerage:runs', 'GT', String(dueAt.getTime()), job);
      return isSet ? by : String(await command('GET', key));
    },
    last: async (job) => {
      const score = await command('ZSCORE', 'peerage:runs', job);
      return score === null ? undefined : new Date(Number(score));
    },
  };
}
