import { describeError } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/clock.js';
import type { DiscoveryEvent } from './poll-report.js';
import type { ProviderExplanation } from './provider-status.js';

/** The two things a provider does. */
export type ProviderPart = 'poll' | 'serve';

/** Who fails for one cause after another is told of again, but not more often than this… */
const ANOTHER_CAUSE_MS = 60_000;

/** …and for so many causes until it works again. */
const MAX_CAUSES = 20;

/** How one provider does. Says so when it begins to fail, when it fails for another cause, and when it works again. */
export class ProviderHealth {
  private readonly failing = new Set<ProviderPart>();
  private failingSinceMs = 0;
  /** What was told of since it began to fail. */
  private readonly told = new Set<string>();
  private toldAtMs = Number.NEGATIVE_INFINITY;
  private lastError: Error | undefined;
  private readonly polls = { succeeded: 0, failed: 0 };
  private answer: { readonly names: readonly string[]; readonly atMs: number } | undefined;
  private hints = 0;

  constructor(
    private readonly provider: string,
    private readonly emit: (event: DiscoveryEvent) => void,
    private readonly clock: Clock = systemClock,
  ) {}

  failed(part: ProviderPart, error: Error): void {
    if (part === 'poll') this.polls.failed += 1;
    const nowMs = this.clock.now();
    if (this.failing.size === 0) {
      this.failingSinceMs = nowMs;
      this.told.clear();
      this.toldAtMs = Number.NEGATIVE_INFINITY;
    }
    this.failing.add(part);
    this.lastError = error;
    const cause = causeOf(error);
    if (this.told.has(cause) || this.told.size >= MAX_CAUSES) return;
    if (nowMs < this.toldAtMs + ANOTHER_CAUSE_MS) return;
    this.told.add(cause);
    this.toldAtMs = nowMs;
    this.emit({ type: 'provider.failed', provider: this.provider, error });
  }

  /** A poll has these names. */
  answered(names: readonly string[]): void {
    this.polls.succeeded += 1;
    this.answer = { names, atMs: this.clock.now() };
    this.worked('poll');
  }

  /** Its long-running part handed over so many names. */
  hinted(count: number): void {
    this.hints += count;
  }

  worked(part: ProviderPart): void {
    const wasFailing = this.failing.delete(part);
    if (!wasFailing || this.failing.size > 0) return;
    const failedForMs = Math.round(this.clock.now() - this.failingSinceMs);
    this.emit({ type: 'provider.recovered', provider: this.provider, failedForMs });
  }

  explain(): ProviderExplanation {
    const { provider: name, answer, failing, lastError, polls, hints } = this;
    const sinceMs = (atMs: number): number => Math.round(this.clock.now() - atMs);
    return {
      name,
      state: failing.size > 0 ? 'failing' : answer ? 'working' : 'asking',
      names: answer?.names ?? [],
      ...(answer && { lastAnswerAgoMs: sinceMs(answer.atMs) }),
      ...(failing.size > 0 && { failingForMs: sinceMs(this.failingSinceMs) }),
      ...(lastError && { error: describeError(lastError) }),
      polls: { ...polls },
      hints,
    };
  }
}

/** Texts that differ by a number, a port or a time, tell of one cause. */
function causeOf(error: Error): string {
  return describeError(error).replaceAll(/\d+/g, '#');
}
