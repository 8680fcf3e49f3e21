import { appendFileSync, readFileSync } from 'node:fs';

/** The environment variable that names the file where rows are collected, a line of JSON each. */
export const REPORT_FILE = 'PEERAGE_NET_REPORT';

/**
 * How often the time of its expectation each scenario gets. In the short form they run side by side on a machine that is
 * shared; the bounds themselves are held by `--full`, where each runs alone, and by the simulator.
 */
export const SLACK = process.env.PEERAGE_NET_FULL === '1' ? 1 : 2;

/** What one scenario gave. */
export interface ReportRow {
  readonly fault: string;
  readonly expectation: string;
  readonly measured: string;
  readonly passed: boolean;
}

/** Adds a row to the report of this run, when there is one. */
export function report(row: ReportRow): void {
  const file = process.env[REPORT_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
}

export function readReport(file: string): ReportRow[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as ReportRow);
}

export function markdownOf(rows: readonly ReportRow[]): string {
  const cells = rows.map(
    ({ fault, expectation, measured, passed }) =>
      `| ${fault} | ${expectation} | ${measured} | ${passed ? 'yes' : '**no**'} |`,
  );
  const met = SLACK === 1 ? 'met' : `met, in ${SLACK} times the time`;
  return [`| fault | expectation | measured | ${met} |`, '| --- | --- | --- | --- |', ...cells].join('\n');
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `median 3.9 s, worst 4.2 s (n = 12)` */
export function spread(samples: readonly number[]): string {
  return `median ${time(median(samples))}, worst ${time(Math.max(...samples))} (n = ${samples.length})`;
}

export function time(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(2)} s`;
}
