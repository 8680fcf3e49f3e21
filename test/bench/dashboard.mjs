/**
 * `npm run bench:dashboard [-- --nodes 3,30,100 --seconds 30]`: what an open page of the dashboard costs, and how soon it
 * shows that a node was killed (kill -9), and then twenty at once: real nodes, at most twenty in one process; the one that
 * serves the page and the one that is killed first have processes of their own; and Chromium. Needs chromium-headless-shell.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pathTo = (path) => fileURLToPath(new URL(path, import.meta.url));
const args = [pathTo('../support/run-ts.mjs'), pathTo('dashboard/main.ts'), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
