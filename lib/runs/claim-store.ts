import type { InjectionToken } from '@nestjs/common';
import { PeerageError } from '../errors/peerage-error.js';
import { postgresClaims } from './stores/postgres-claims.js';
import type { PoolLike } from './stores/postgres-claims.js';
import { redisClaims } from './stores/redis-claims.js';
import type { RedisLike } from './stores/redis-claims.js';

export type { PoolLike } from './stores/postgres-claims.js';
export type { RedisLike } from './stores/redis-claims.js';

/**
 * Where claims are kept, so that there is one for each run whatever the network does. Yours, or {@link claimsIn}.
 *
 * @publicApi
 */
export interface ClaimStore {
  /**
   * Claims a run for `by`, if nobody has it. Claimed again by the same, it stays theirs.
   *
   * @returns who has it
   */
  claim(job: string, dueAt: Date, by: string): Promise<string>;
  /** The latest due time that anybody has claimed. Only `catchUp` asks for it. */
  last(job: string): Promise<Date | undefined>;
}

/** What stands for a client until the app's container has it. */
export class InjectedStore implements ClaimStore {
  private store: ClaimStore | undefined;

  constructor(readonly token: InjectionToken) {}

  /** Of the token, for messages. */
  get name(): string {
    const { token } = this;
    return typeof token === 'string' || typeof token === 'symbol' ? token.toString() : token.name;
  }

  /** @throws PeerageError `INVALID_OPTIONS` when it is no client */
  resolve(client: unknown): void {
    this.store ??= storeOf(client);
  }

  claim(job: string, dueAt: Date, by: string): Promise<string> {
    return this.resolved().claim(job, dueAt, by);
  }

  last(job: string): Promise<Date | undefined> {
    return this.resolved().last(job);
  }

  private resolved(): ClaimStore {
    if (this.store) return this.store;
    throw new PeerageError('INVALID_OPTIONS', `claimsIn(): the app provides no ${this.name}.`);
  }
}

/**
 * Claims in Redis or PostgreSQL: one row, or key, for each run of a job, made by `INSERT … ON CONFLICT DO NOTHING` or
 * `SET … NX`. No lease and no lock: a run that is claimed is claimed for good.
 *
 * In PostgreSQL they are rows of the table `peerage_runs`, which is made when it is missing. In Redis they are keys
 * `peerage:run:…`; it forgets claims when it restarts without its append-only file (`appendfsync always`), and when a
 * replica is promoted that has not heard of them.
 *
 * @param client a client of `ioredis` or `redis`, a `Pool` of `pg`, or the token under which the app provides one
 * @throws PeerageError `INVALID_OPTIONS` when it is none of these
 * @publicApi
 */
export function claimsIn(client: RedisLike | PoolLike | InjectionToken): ClaimStore {
  const isToken = typeof client === 'string' || typeof client === 'symbol' || typeof client === 'function';
  return isToken ? new InjectedStore(client) : storeOf(client);
}

function storeOf(client: unknown): ClaimStore {
  const { query, call, sendCommand } = (client ?? {}) as Partial<Record<string, unknown>>;
  if (typeof query === 'function') return postgresClaims(client as PoolLike);
  if (typeof call === 'function') return redisClaims((...words) => (client as Ioredis).call(...words));
  if (typeof sendCommand === 'function')
    return redisClaims((...words) => (client as NodeRedis).sendCommand(words));
  throw new PeerageError(
    'INVALID_OPTIONS',
    'claimsIn() takes a client of ioredis or redis, a Pool of pg, or the token of one.',
  );
}

type Ioredis = Extract<RedisLike, { call: unknown }>;
type NodeRedis = Extract<RedisLike, { sendCommand: unknown }>;
