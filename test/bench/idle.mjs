/**
 * `npm run bench:idle [-- --nodes 10,50,100,200 --seconds 60 --per-process 20]`: what nodes cost that do nothing
 * but know of each other, with TLS, on the loopback of a namespace. One node always has a process of its own; of
 * the others several share one when there are more than ten. Needs root.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pathTo = (path) => fileURLToPath(new URL(path, import.meta.url));
const args = [pathTo('../support/run-ts.mjs'), pathTo('idle/main.ts'), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
