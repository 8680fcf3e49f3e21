import { beforeEach, expect, it } from 'vitest';
import { RunReports } from '../../../lib/runs/run-reports.js';
import { recorder } from '../../support/recorder.js';

const SECOND_MS = 1_000;
const warn = recorder<string>();
let nowMs = 0;
let reports: RunReports;
beforeEach(() => {
  warn.heard.length = 0;
  nowMs = 0;
  reports = new RunReports({ warn }, () => nowMs);
});

function skip(job: string, dueMs: number, reason: 'no quorum' | 'unsure' | 'elsewhere'): void {
  nowMs = dueMs;
  reports.tell({ job, dueMs }, { type: 'skipped', reason });
}

it('says that runs are skipped, and while that goes on for an hour one line every ten minutes with their number', () => {
  for (let dueMs = SECOND_MS; dueMs <= 3_600 * SECOND_MS; dueMs += SECOND_MS)
    skip('bill', dueMs, 'no quorum');
  expect(warn.heard).toHaveLength(6);
  expect(warn.heard.slice(0, 2)).toEqual([
    'bill@1970-01-01T00:00:01.000Z is skipped: fewer than a majority is here',
    'bill@1970-01-01T00:10:01.000Z is skipped: fewer than a majority is here. It goes on: 600 times in 10 min',
  ]);
  expect(reports.totals.skipped).toBe(3_600);
});

it('says each that stands alone, each other job and reason, and nothing of what another node ran', () => {
  skip('bill', SECOND_MS, 'no quorum');
  skip('mail', SECOND_MS, 'no quorum');
  skip('bill', 2 * SECOND_MS, 'unsure');
  skip('bill', 3 * SECOND_MS, 'elsewhere');
  skip('bill', 600 * SECOND_MS, 'no quorum');
  expect(warn.heard).toHaveLength(4);
});

it('tells of a node whose name nobody here knows in words, with as much of its boot id as logs have', () => {
  const unknown = 'd8a3f25f'.padEnd(32, '0');
  const stranger = 'a node that this one has never met (boot id d8a3f25f)';
  const key = { job: 'bill', dueMs: SECOND_MS };
  reports.tell(key, { type: 'skipped', reason: 'lost', by: unknown });
  reports.tell(key, { type: 'duplicate', by: ['app@10.0.0.1', unknown] });
  expect(warn.heard).toEqual([
    expect.stringContaining(`is skipped: ${stranger} ended before it was done`),
    expect.stringMatching(/by app@10\.0\.0\.1 and a node that .* \(boot id d8a3f25f\)$/),
  ]);
});
