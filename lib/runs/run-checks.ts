import { PeerageError } from '../errors/peerage-error.js';
import { shown } from '../errors/thrown.js';
import { assertOptionNames } from '../naming/option-names.js';
import type { OptionNames } from '../naming/option-names.js';
import { keyFault } from '../naming/sendable-text.js';
import { MAX_KEY } from '../presence/presence-wire.js';
import type { RunOnceOptions } from './run-once.decorator.js';
import type { OnceOptions } from './run.events.js';
import { MAX_JOB } from './runs-wire.js';

/** Keys of `once()`, among jobs. */
export const ONCE = 'once:';

const MAX_LATE_MS = 300_000;
const TTL_MS = [1_000, 86_400_000] as const;

const RUN_ONCE: OptionNames<RunOnceOptions> = {
  name: true,
  onLoss: true,
  lateMs: true,
  spread: true,
  store: true,
  catchUp: true,
};
const ONCE_NAMES: OptionNames<OnceOptions> = { ttlMs: true, onLoss: true, lateMs: true };

/** @throws PeerageError `INVALID_OPTIONS` */
export function checkRunOnce(options: RunOnceOptions): void {
  assertOptionNames('@RunOnce()', options, RUN_ONCE);
  const { name, onLoss, store, catchUp, spread } = options;
  if (name !== undefined) checkJobName(name);
  const check = checker(name === undefined ? '@RunOnce()' : `@RunOnce() of the job ${JSON.stringify(name)}`);
  checkRules(check, options);
  check(spread === undefined || typeof spread === 'boolean', `spread is true or false, not ${shown(spread)}`);
  const { claim, last } = (store ?? {}) as { claim?: unknown; last?: unknown };
  const isStore = typeof claim === 'function' && typeof last === 'function';
  check(store === undefined || isStore, 'store is what claimsIn() gives, or has claim() and last()');
  check(catchUp === undefined || catchUp === 'last', `catchUp is 'last', not ${shown(catchUp)}`);
  check(catchUp === undefined || store !== undefined, 'catchUp needs a store, which knows what was run');
  check(
    store === undefined || onLoss !== 'rerun',
    `a store has one claim for each run, so onLoss: 'rerun' cannot be`,
  );
}

/**
 * Every node keeps the names of jobs among what is tracked.
 *
 * @throws PeerageError `INVALID_OPTIONS`
 */
export function checkJobName(name: unknown): void {
  const fault = keyFault(name, MAX_KEY);
  checker('@RunOnce()')(fault === undefined, `the name of a job ${fault}: ${shown(name)}`);
}

/** @throws PeerageError `INVALID_OPTIONS` */
export function checkOnce(key: unknown, run: unknown, options: OnceOptions): void {
  const fault = keyFault(key, MAX_JOB - ONCE.length);
  checker('once()')(fault === undefined, `a key ${fault}, not ${shown(key)}`);
  const check = checker(`once(${shown(key)})`);
  check(typeof run === 'function', `it takes a function to run, not ${shown(run)}`);
  assertOptionNames(`once(${shown(key)})`, options, ONCE_NAMES);
  const { ttlMs } = options;
  check(
    isWhole(ttlMs, ...TTL_MS),
    `ttlMs is a whole number of ms, ${TTL_MS.join(' to ')}, not ${shown(ttlMs)}`,
  );
  checkRules(check, options);
}

type Check = (isSo: boolean, problem: string) => void;

/** What a job and a key have in common. */
function checkRules(check: Check, { onLoss, lateMs }: Pick<OnceOptions, 'onLoss' | 'lateMs'>): void {
  check(
    onLoss === undefined || onLoss === 'skip' || onLoss === 'rerun',
    `onLoss is 'skip' or 'rerun', not ${shown(onLoss)}`,
  );
  check(
    lateMs === undefined || isWhole(lateMs, 0, MAX_LATE_MS),
    `lateMs is a whole number of ms, 0 to ${MAX_LATE_MS}, not ${shown(lateMs)}`,
  );
}

function checker(who: string): Check {
  return (isSo, problem) => {
    if (!isSo) throw new PeerageError('INVALID_OPTIONS', `${who}: ${problem}.`);
  };
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
