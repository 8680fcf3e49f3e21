/**
 * `npm run soak [-- --minutes 10 --rate 100 --seed 1]`: five processes send each other messages of every kind and
 * size while some are killed, stopped, and restarted, now and then all one after the other. Ends with 1 when a
 * message came twice, out of order or with other bytes, when one was lost or unanswered at a graceful
 * end, when something never ended or ended in a way it must not, when memory grew, or when the mesh did not become
 * whole again.
 */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const file = fileURLToPath(new URL('main.ts', import.meta.url));
const { module } = await runnerImport(file, { root, configFile: false, logLevel: 'error' });
process.exit(await module.main(process.argv.slice(2)));
