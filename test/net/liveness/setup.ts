import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { markdownOf, readReport, REPORT_FILE } from '../../support/net/net-report.js';

/** Collects what the scenarios measure, and prints it as one table at the end. */
export default function setUp(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-net-'));
  const file = join(folder, 'rows.jsonl');
  writeFileSync(file, '');
  process.env[REPORT_FILE] = file;
  return () => {
    const rows = readReport(file);
    if (rows.length === 0) return;
    const json = join(folder, 'report.json');
    writeFileSync(json, JSON.stringify(rows, null, 2));
    console.log(`\n${markdownOf(rows)}\n\nAlso in ${json}`);
  };
}
