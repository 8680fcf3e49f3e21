/**
 * `npm run test:net [-- --full]`: builds, then runs the tests that need network namespaces. `--full`: the
 * scenarios of liveness take their full times, about three quarters of an hour; otherwise each is shortened.
 * Other arguments are handed to vitest.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PROJECTS = ['--project=net', '--project=liveness', '--project=liveness-busy'];
const args = process.argv.slice(2);
const isFull = args.includes('--full');

const run = (...command) => {
  const env = { ...process.env, ...(isFull && { PEERAGE_NET_FULL: '1' }) };
  return spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit', env }).status ?? 1;
};
const tsc = (project) => run('node_modules/typescript/bin/tsc', '-p', project);

process.exitCode =
  tsc('tsconfig.build.json') ||
  tsc('tsconfig.programs.json') ||
  run('node_modules/vitest/vitest.mjs', 'run', ...PROJECTS, ...args.filter((arg) => arg !== '--full'));
