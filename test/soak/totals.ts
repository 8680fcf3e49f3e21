import type { Tally } from './node/config.js';

export interface Totals {
  handled: number;
  bytes: number;
  handed: number;
  refused: number;
  /** By kind of message, then by code. */
  readonly outcomes: Record<string, Record<string, number>>;
}

export function totalsOf(tallies: readonly Tally[]): Totals {
  const totals: Totals = { handled: 0, bytes: 0, handed: 0, refused: 0, outcomes: {} };
  for (const tally of tallies) {
    totals.handled += tally.handled;
    totals.bytes += tally.handledBytes + tally.answeredBytes;
    totals.handed += tally.handed;
    totals.refused += tally.refused;
    for (const [kind, codes] of Object.entries(tally.outcomes)) add((totals.outcomes[kind] ??= {}), codes);
  }
  return totals;
}

/** By code, of all kinds of requests. */
export function requestsOf({ outcomes }: Totals): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [kind, codes] of Object.entries(outcomes)) if (kind !== 'send') add(sum, codes);
  return sum;
}

export function sumOf(codes: Readonly<Record<string, number>> = {}): number {
  return Object.values(codes).reduce((sum, count) => sum + count, 0);
}

function add(to: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [code, count] of Object.entries(more)) to[code] = (to[code] ?? 0) + count;
}
