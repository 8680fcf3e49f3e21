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

/** What `claimsIn()` gives. Of one, each app has a store of its own: its client, and the claims of its cluster. */
export class ClaimsIn implements ClaimStore {
  /** Under which the app provides the client; undefined when one was given. */
  readonly token: InjectionToken | undefined;
  private readonly given: ClaimStore | undefined;

  constructor(client: RedisLike | PoolLike | InjectionToken) {
    if (isToken(client)) this.token = client;
    else this.given = storeOf(client);
  }

  /** Of the token, for messages. */
  get name(): string {
    const { token } = this;
    return typeof token === 'function' ? token.name : String(token);
  }

  /**
   * The store of an app. Clusters that share a server, and have jobs of one name, take no runs from each other.
   *
   * @param client what the app has under the token
   * @throws PeerageError `INVALID_OPTIONS` when it is no client
   */
  of(cluster: string, client: unknown): ClaimStore {
    const store = this.given ?? storeOf(client);
    return {
      claim: (job, dueAt, by) => store.claim(`${cluster}/${job}`, dueAt, by),
      last: (job) => store.last(`${cluster}/${job}`),
    };
  }

  claim(job: string, dueAt: Date, by: string): Promise<string> {
    return this.outsideApps().claim(job, dueAt, by);
  }

  last(job: string): Promise<Date | undefined> {
    return this.outsideApps().last(job);
  }

  private outsideApps(): ClaimStore {
    if (this.given) return this.given;
    throw new PeerageError('INVALID_OPTIONS', `claimsIn(): only an app has a ${this.name}.`);
  }
}

/**
 * Claims in Redis or PostgreSQL: one row, or key, for each run of a job, made by `INSERT … ON CONFLICT DO NOTHING` or
 * `SET … NX`. No lease and no lock: a run that is claimed is claimed for good.
 *
 * They are those of the app's cluster: its label stands before the job's name. In PostgreSQL they are rows of the table
 * `peerage_runs`, which is made when it is missing. In Redis they are keys `peerage:run:…`; it forgets claims when it restarts without its append-only file (`appendfsync always`), and when a
 * replica is promoted that has not heard of them.
 *
 * @param client a client of `ioredis` or `redis`, a `Pool` of `pg`, or the token under which the app provides one
 * @throws PeerageError `INVALID_OPTIONS` when it is none of these
 * @publicApi
 */
export function claimsIn(client: RedisLike | PoolLike | InjectionToken): ClaimStore {
  return new ClaimsIn(client);
}

function isToken(client: RedisLike | PoolLike | InjectionToken): client is InjectionToken {
  return typeof client === 'string' || typeof client === 'symbol' || typeof client === 'function';
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
