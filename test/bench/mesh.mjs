/**
 * `npm run bench:mesh [-- --json] [-- --only=start,join,kill,import,size]`: how long it takes until nodes are
 * a mesh, until a killed one is missed, and what the package costs. Medians; start-up of processes is not
 * counted: every node is loaded before it is told to listen.
 */
import { coldStart, joins } from './mesh-start.mjs';
import { kills } from './mesh-kill.mjs';
import { importTime, installedSize } from './package-cost.mjs';

const MEASUREMENTS = { start: coldStart, join: joins, kill: kills, import: importTime, size: installedSize };

const args = process.argv.slice(2);
const asJson = args.includes('--json');
const only = args
  .find((arg) => arg.startsWith('--only='))
  ?.slice('--only='.length)
  .split(',');

const rows = [];
for (const [name, measure] of Object.entries(MEASUREMENTS)) {
  if (only && !only.includes(name)) continue;
  for (const row of await measure()) {
    rows.push(row);
    if (!asJson) console.error(`${row.what}: ${row.value}`);
  }
}
if (asJson) console.log(JSON.stringify(rows, null, 2));
else console.log(table(rows));

function table(all) {
  const lines = all.map(
    ({ what, value, target = '', runs }) => `| ${what} | ${value} | ${target} | ${runs} |`,
  );
  return ['| what | measured | target | runs |', '| --- | --- | --- | --- |', ...lines].join('\n');
}
