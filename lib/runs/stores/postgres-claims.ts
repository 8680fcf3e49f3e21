import { codeOf } from '../../errors/thrown.js';
import type { ClaimStore } from '../claim-store.js';

/**
 * Of a `Pool` of `pg`, what is used.
 *
 * @publicApi
 */
export interface PoolLike {
  /** Runs one statement. */
  query(text: string, values?: readonly unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

const CREATE = `CREATE TABLE IF NOT EXISTS peerage_runs (
  job text NOT NULL, due timestamptz NOT NULL, node text NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (job, due))`;

const CLAIM = `INSERT INTO peerage_runs (job, due, node) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING node`;
const HOLDER = 'SELECT node FROM peerage_runs WHERE job = $1 AND due = $2';
const LAST = 'SELECT max(due) AS due FROM peerage_runs WHERE job = $1';
/** Nobody claims a run that is older than this; the last one stays. */
const TIDY = `DELETE FROM peerage_runs WHERE job = $1 AND due < $2::timestamptz - interval '7 days'`;

const UNDEFINED_TABLE = '42P01';
/** Others make the table at the same time. */
const RACES = new Set(['23505', '42P07']);

/** A row for each run. */
export function postgresClaims(pool: PoolLike): ClaimStore {
  const query = async (text: string, values: readonly unknown[]): Promise<readonly unknown[]> => {
    try {
      return (await pool.query(text, values)).rows;
    } catch (error) {
      if (codeOf(error) !== UNDEFINED_TABLE) throw error;
      await pool.query(CREATE).catch((raced: unknown) => {
        if (!RACES.has(codeOf(raced))) throw raced;
      });
      return (await pool.query(text, values)).rows;
    }
  };
  return {
    claim: async (job, dueAt, by) => {
      const [won] = await query(CLAIM, [job, dueAt, by]);
      if (won !== undefined) await query(TIDY, [job, dueAt]);
      const [holder] = won === undefined ? await query(HOLDER, [job, dueAt]) : [won];
      return (holder as { readonly node: string }).node;
    },
    last: async (job) => {
      const [row] = await query(LAST, [job]);
      return (row as { readonly due: Date | null } | undefined)?.due ?? undefined;
    },
  };
}
