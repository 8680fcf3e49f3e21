import type { Logger } from '@nestjs/common';
import { describeError } from '../errors/thrown.js';
import type { Clock } from '../time/clock.js';
import { dateMs } from '../time/clock.js';
import { sleep, within } from '../time/waiting.js';
import type { ClaimStore } from './claim-store.js';
import type { RunKey } from './core/run.types.js';
import type { Job } from './job.js';
import { contextOf } from './run-reports.js';

/** A store has so long for an answer, also when the run is late already. After that it is asked again. */
const ANSWER_MS = 2_000;
/** A store that could not be asked for a claim is asked again after this. */
const CLAIM_PAUSE_MS = 500;
/** One that could not be asked for what was missed is asked again after this, doubled each time… */
const MISSED_PAUSE_MS = 2_000;
/** …up to this. */
const MAX_PAUSE_MS = 60_000;

interface Parts {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** This node has stopped. */
  readonly signal: AbortSignal;
}

/**
 * Claims a run. What is claimed again by the same stays theirs, so when nobody knows whether it was it is tried again.
 *
 * @param untilMs on the clock; it is asked once at least
 * @returns who has it; undefined when the store did not say
 */
export async function claimIn(
  store: ClaimStore,
  run: RunKey,
  by: string,
  untilMs: number,
  parts: Parts,
): Promise<string | undefined> {
  const { clock, log, signal } = parts;
  const claim = (): Promise<string> => store.claim(run.job, new Date(run.dueMs), by);
  for (;;) {
    const answer = await answerOf(claim, parts);
    if (typeof answer.value === 'string') return answer.value;
    if (signal.aborted) return undefined;
    const leftMs = untilMs - clock.now();
    if (leftMs <= 0) {
      log.warn(`${contextOf(run).key}: its store failed: ${describeError(answer.failure)}`);
      return undefined;
    }
    await sleep(Math.min(CLAIM_PAUSE_MS, leftMs), signal, clock);
  }
}

/**
 * The last due time of a job with `catchUp` that nobody has run, if there is one. A store that is not there yet, as
 * after a power cut, is asked until it is.
 */
export async function missedOf(
  { name, options: { store, catchUp }, dues }: Job,
  parts: Parts,
): Promise<number | undefined> {
  if (catchUp === undefined || !store) return undefined;
  const { clock, log, signal } = parts;
  for (let pauseMs = MISSED_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    // Another one may be due meanwhile.
    const dueMs = dues.missed(dateMs(clock));
    if (dueMs === undefined) return undefined;
    const answer = await answerOf(async () => lastOf(await store.last(name)), parts);
    if (answer.value) {
      const { lastMs } = answer.value;
      return lastMs !== undefined && lastMs < dueMs ? dueMs : undefined;
    }
    if (pauseMs === MISSED_PAUSE_MS && !signal.aborted)
      log.warn(`${name}: its store is asked again for what was missed: ${describeError(answer.failure)}`);
    await sleep(pauseMs, signal, clock);
  }
  return undefined;
}

/** @throws TypeError when a store of the app gives anything but a date */
function lastOf(last: unknown): { readonly lastMs: number | undefined } {
  if (last === undefined || last === null) return { lastMs: undefined };
  if (!(last instanceof Date) || Number.isNaN(last.getTime()))
    throw new TypeError(`its last() gave ${describeError(last)}, which is neither a Date nor undefined`);
  return { lastMs: last.getTime() };
}

interface Answer<T> {
  readonly value?: T | undefined;
  readonly failure?: unknown;
}

async function answerOf<T>(ask: () => Promise<T>, { clock, signal }: Parts): Promise<Answer<T>> {
  const noAnswer = { failure: `no answer within ${ANSWER_MS} ms` };
  try {
    const asked = Promise.resolve(ask()).then((value): Answer<T> => ({ value, failure: 'it names nobody' }));
    return (await within(ANSWER_MS, asked, signal, clock)) ?? noAnswer;
  } catch (failure) {
    return { failure };
  }
}
