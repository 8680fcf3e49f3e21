import type { PollReport } from '../discovery/poll-report.js';
import type { FoundResult } from '../mesh/mesh.js';
import { printable } from './printable.js';

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
