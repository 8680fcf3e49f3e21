import { describeError } from '../../errors/peerage-error.js';
import type { PollReport } from '../cluster.events.js';
import { printable } from '../printable.js';
import type { ProviderView } from './node-view.js';
import { withoutPasswords } from './without-passwords.js';

interface Known {
  readonly names: number;
  readonly answeredAtMs?: number | undefined;
  readonly failingSinceMs?: number | undefined;
  readonly error?: string;
}

/** What became of the polls of each provider. */
export class ProviderViews {
  private readonly known = new Map<string, Known>();

  add({ providers }: PollReport, nowMs: number): void {
    for (const { provider, names, error } of providers) {
      const before = this.known.get(provider);
      const failed = error && {
        answeredAtMs: before?.answeredAtMs,
        failingSinceMs: before?.failingSinceMs ?? nowMs,
        error: printable(withoutPasswords(describeError(error))),
      };
      this.known.set(provider, { names: names.length, ...(failed ?? { answeredAtMs: nowMs }) });
    }
  }

  list(nowMs: number): ProviderView[] {
    return [...this.known].map(([name, { names, answeredAtMs, failingSinceMs, error }]) => ({
      name,
      state: error === undefined ? ('working' as const) : ('failing' as const),
      names,
      ...(answeredAtMs !== undefined && { lastAnswerAgoMs: nowMs - answeredAtMs }),
      ...(failingSinceMs !== undefined && { failingForMs: nowMs - failingSinceMs }),
      ...(error !== undefined && { error }),
    }));
  }
}
