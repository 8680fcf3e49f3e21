/**
 * `npm run bench:providers [-- --rounds 7 --only dns,redis --json]`: how long it takes from when a second node
 * begins to listen until it and one that runs are peers, by each provider, and the same when it was killed and is back
 * at its address half a second later: median and worst, as a Markdown table.
 * Both are processes, loaded before; each round has a new source. Kubernetes is the tests' own server, which speaks
 * its API. What this machine lacks (dnsmasq, redis-server, postgres, openssl) is left out, and said.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pathTo = (path) => fileURLToPath(new URL(path, import.meta.url));
const args = [pathTo('../support/run-ts.mjs'), pathTo('providers/main.ts'), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
