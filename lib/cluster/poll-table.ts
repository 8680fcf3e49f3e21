import type { PollReport } from '../discovery/poll-report.js';
import type { FoundResult } from '../mesh/mesh.js';
import { printable } from '../naming/printable.js';

const MAX_ROWS = 100;

/** A poll as a table for people: what became of each name, then the live nodes. */
export function pollTable({ providers, results, live, durationMs }: PollReport, self: string): string {
  const width = Math.max(4, ...results.map(({ name }) => name.length)) + 4;
  return [
    `Polled ${providers.map(({ provider }) => provider).join(', ')} in ${Math.round(durationMs)} ms`,
    `  ${'NAME'.padEnd(width)}RESULT OF ATTEMPT`,
    ...rows(results.map((result) => `  ${result.name.padEnd(width)}${describeResult(result)}`)),
    '  LIVE NODES',
    ...rows(live.map((name) => (name === self ? `  ${name} (self)` : `  ${name}`))),
  ].join('\n');
}

/** What became of a name, as far as a change of it is news. */
type Outcome = 'here' | 'failed' | 'tried';

/** Knows whether a poll is worth another table. */
export class TableChanges {
  private last: string | undefined;
  private outcomes: ReadonlyMap<string, Outcome> = new Map();

  /** A name that is dialled again and again is no news, whether it waits for that, or how it failed this time. */
  isNews({ providers, results, live }: PollReport): boolean {
    this.outcomes = new Map(results.map((result) => [result.name, this.outcomeOf(result)]));
    const now = JSON.stringify([providers.map(({ provider }) => provider), [...this.outcomes], live]);
    const isNews = now !== this.last;
    this.last = now;
    return isNews;
  }

  private outcomeOf({ name, result }: FoundResult): Outcome {
    if (result === 'failed') return 'failed';
    if (result !== 'pending' && result !== 'waiting') return 'here';
    return this.outcomes.get(name) === 'failed' ? 'failed' : 'tried';
  }
}

function describeResult(result: FoundResult): string {
  switch (result.result) {
    case 'failed':
      return `failed: ${result.code} (${printable(result.message)})`;
    case 'pending':
      return 'still being tried';
    case 'waiting':
      return 'waits for its next attempt';
    default:
      return result.result;
  }
}

function rows(all: readonly string[]): string[] {
  if (all.length === 0) return ['  (none)'];
  if (all.length <= MAX_ROWS) return [...all];
  return [...all.slice(0, MAX_ROWS), `  … and ${all.length - MAX_ROWS} more`];
}
