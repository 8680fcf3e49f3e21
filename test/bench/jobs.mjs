/**
 * `npm run bench:jobs [-- --minutes 10 --only run-once,redis-lock]`: a job that is due every second on three hosts, while
 * their processes are killed, stopped and restarted, hosts are cut off, and servers are killed: how many due times were
 * run once, not, and twice. `@RunOnce()` beside `@nestjs/schedule` alone and locks by hand, all of them in the same
 * troubles at the same time. `-- --rate 100 --seconds 20`: what a run costs, instead. Needs root, redis-server and PostgreSQL.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pathTo = (path) => fileURLToPath(new URL(path, import.meta.url));
const args = [pathTo('../support/run-ts.mjs'), pathTo('jobs/main.ts'), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
