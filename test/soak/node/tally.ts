import type { Tally } from './config.js';

/** Counts what a process does. */
export class Counter {
  handled = 0;
  handledBytes = 0;
  answeredBytes = 0;
  handed = 0;
  refused = 0;
  readonly unanswered: Record<string, number> = {};
  readonly sentTo: Record<string, number> = {};
  readonly handledFrom: Record<string, number> = {};
  private readonly outcomes: Record<string, Record<string, number>> = {};

  ended(kind: string, code: string): void {
    increment((this.outcomes[kind] ??= {}), code);
  }

  tally(): Tally {
    const { handled, handledBytes, answeredBytes, handed, refused, outcomes } = this;
    return { handled, handledBytes, answeredBytes, handed, refused, outcomes };
  }
}

export function increment(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
