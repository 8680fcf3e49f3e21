/**
 * `npm run bench:liveness [-- --rounds 3 --cap 90 --loss 60 --systems peerage,moleculer,erlang --json]`: how
 * long it takes until a node that is gone is missed, and false alarms: ours beside moleculer over TCP and
 * Erlang/OTP with its default net_ticktime, on the same hosts, cuts and times. Needs root, `erl`, and the network
 * once, for moleculer. A round of three cuts takes up to three times `--cap` seconds.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const pathTo = (path) => fileURLToPath(new URL(path, import.meta.url));
const args = [pathTo('../support/run-ts.mjs'), pathTo('liveness/main.ts'), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
