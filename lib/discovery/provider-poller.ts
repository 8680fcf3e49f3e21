import { PeerageError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/clock.js';
import type { NodeInfo } from '../naming/node-info.js';
import type { LimitOptions } from '../peerage.options.js';
import type { AnswerWarnings } from './answer-warnings.js';
import type { NamedProvider } from './named-provider.js';
import type { ProviderReport } from './poll-report.js';
import type { ProviderHealth } from './provider-health.js';
import type { ClusterLabel } from '../via/provider.js';
import { toError } from '../errors/thrown.js';
import type { ReadNames } from './read-names.js';
import { readNames } from './read-names.js';
import { onAbort, timeUp } from '../time/abortable.js';
import { BLOCKED_MS } from '../time/loop-watch.js';
import { seconds } from '../time/seconds.js';
import { within } from '../time/waiting.js';

/** A timer that fires so late shows that our own loop was busy. */
const LATE_MS = 50;

/** Who heeds its signal has rejected after so many turns of the queue of microtasks, through every function on the way. */
const LAST_TURNS = 64;

const HEED = 'It should heed its signal, or limits.pollMs be raised.';

/** Asks one provider, and remembers its last good answer. */
export class ProviderPoller {
  readonly name: string;
  private lastGood: readonly string[] | undefined;
  /** The provider was asked and has not ended that call, though it may have been told to. */
  private isBusy = false;

  constructor(
    private readonly named: NamedProvider,
    private readonly limits: Pick<LimitOptions, 'pollMs' | 'polledNames'>,
    private readonly health: ProviderHealth,
    private readonly warnings: AnswerWarnings,
    private readonly clock: Clock = systemClock,
    private readonly cluster?: ClusterLabel,
  ) {
    this.name = named.name;
  }

  /** Whether it ever answered. */
  get hasAnswer(): boolean {
    return this.lastGood !== undefined;
  }

  /** One poll. Never rejects, and ends in time whatever the provider does. */
  async poll(self: NodeInfo, stopped: AbortSignal): Promise<ProviderReport> {
    const startedAt = this.clock.now();
    const report = (invalid: readonly string[], error?: Error): ProviderReport => ({
      provider: this.name,
      names: this.lastGood ?? [],
      durationMs: this.clock.now() - startedAt,
      invalid,
      ...(error ? { error } : {}),
    });
    try {
      return report(this.accept(await this.ask(self, stopped)).invalid);
    } catch (thrown) {
      const error = toError(thrown);
      if (!stopped.aborted) this.health.failed('poll', error);
      return report([], error);
    }
  }

  private accept(answer: unknown): ReadNames {
    const read = readNames(answer, this.limits.polledNames);
    this.lastGood = read.names;
    this.warnings.look(read, 'polledNames');
    this.health.answered(read.names);
    return read;
  }

  private async ask(self: NodeInfo, stopped: AbortSignal): Promise<unknown> {
    if (this.isBusy) throw timedOut('It still has not ended the poll that was aborted before', HEED);
    const startedMs = this.clock.now();
    const aborter = new AbortController();
    const endWaiting = onAbort(stopped, () => aborter.abort());
    try {
      const answer = this.call(self, aborter.signal).then((value) => ({ value }));
      const outcome = await this.patiently(answer, stopped);
      if (outcome) return outcome.value;
      const waitedMs = this.clock.now() - startedMs;
      aborter.abort(stopped.aborted ? undefined : timeUp(this.limits.pollMs));
      const lastWords = await lastWordsOf(answer);
      throw stopped.aborted ? stopping() : this.tooLate(waitedMs, lastWords);
    } finally {
      endWaiting();
    }
  }

  /** A loop that comes late to the end reads what has arrived before it judges. */
  private async patiently<T>(answer: Promise<T>, stopped: AbortSignal): Promise<T | undefined> {
    const { clock } = this;
    const { pollMs } = this.limits;
    const dueMs = clock.now() + pollMs;
    const outcome = await within(pollMs, answer, stopped, clock);
    const lateMs = clock.now() - dueMs;
    if (outcome || stopped.aborted || lateMs < LATE_MS) return outcome;
    return within(Math.min(lateMs, pollMs), answer, stopped, clock);
  }

  private tooLate(waitedMs: number, lastWords: { error?: unknown } | undefined): PeerageError {
    const { pollMs } = this.limits;
    const isOurs = waitedMs - pollMs >= BLOCKED_MS;
    const late = isOurs
      ? `, while this node's own event loop stood still for part of ${seconds(waitedMs)}`
      : '';
    const what = `It did not answer within ${pollMs} ms${late}`;
    return lastWords ? timedOut(what, cureBy(lastWords.error), lastWords.error) : timedOut(what, HEED);
  }

  private async call(self: NodeInfo, signal: AbortSignal): Promise<unknown> {
    this.isBusy = true;
    try {
      const { cluster } = this;
      return await this.named.provider.poll({ self, signal, ...(cluster && { cluster }) });
    } finally {
      this.isBusy = false;
    }
  }
}

/** What it says for itself when it is told that its time is over: it knows best what it waited for. */
function lastWordsOf(answer: Promise<unknown>): Promise<{ readonly error?: unknown } | undefined> {
  const words = answer.then(
    () => ({}),
    (error: unknown) => ({ error }),
  );
  return Promise.race([words, microtasks(LAST_TURNS)]);
}

async function microtasks(count: number): Promise<undefined> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
}

/** Its own words, where they say more than that it was told to end. */
function cureBy(error: unknown): string {
  const isTelling = error instanceof PeerageError && error.code !== 'ABORTED';
  return isTelling ? error.message : 'Where it needs more time, raise limits.pollMs.';
}

function timedOut(what: string, cure: string, cause?: unknown): PeerageError {
  return new PeerageError('PROVIDER_TIMEOUT', `${what}. ${cure}`, { cause });
}

function stopping(): PeerageError {
  return new PeerageError('ABORTED', 'The app is shutting down.');
}
