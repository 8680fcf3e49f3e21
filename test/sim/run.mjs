/**
 * Random histories of virtual clusters, as many as you like; with what stands on membership, presence, ownership and runs:
 *   npm run sim -- --seeds 100000 --nodes 200 --first 1
 *   npm run sim -- --shared --seeds 1000
 *   npm run sim -- --runs --seeds 1000
 * Without --nodes each seed draws its own number of nodes, 2 to 12. A silent death on a ring of many nodes:
 *   npm run sim -- --ring 1000
 * How soon each fault is seen under each circumstance, in clusters of 3 to 200 nodes, for as many seeds as fit:
 *   npm run sim -- --matrix [--minutes 13] [--nodes 3,10] [--circumstance calm] [--fault 'power loss']
 *                           [--seeds 20] [--first 1] [--workers 2]
 * Whether anybody is taken for dead where packets are lost, and nothing else happens:
 *   npm run sim -- --loss 0.3 [--nodes 3] [--hours 168] [--seeds 1] [--first 1]
 */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** By what they play. */
const SPECS = { membership: 'membership.spec.ts', shared: 'shared-work.spec.ts', runs: 'runs.spec.ts' };

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const args = process.argv.slice(2);
const compiled = args.includes('--matrix')
  ? 'matrix/main.js'
  : args.includes('--loss')
    ? 'loss.js'
    : undefined;
process.exitCode = compiled === undefined ? await histories() : await program(compiled);

/** A program of the simulator, compiled. */
async function program(name) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.sim.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  return status === 0 ? run([join(root, 'build', 'sim', 'test', 'sim', name), ...args]) : 1;
}

async function histories() {
  const { values } = parseArgs({
    args,
    options: {
      seeds: { type: 'string', default: '1000' },
      first: { type: 'string', default: '1' },
      nodes: { type: 'string' },
      ring: { type: 'string' },
      shared: { type: 'boolean', default: false },
      runs: { type: 'boolean', default: false },
    },
  });
  const spec = values.ring
    ? [join('test', 'sim', 'liveness.spec.ts'), '--testNamePattern', 'a ring of monitors tells all']
    : [join('test', 'sim', SPECS[values.runs ? 'runs' : values.shared ? 'shared' : 'membership'])];
  const options = ['--project', 'sim', '--testTimeout', '0', '--disable-console-intercept'];
  return run([join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...spec, ...options], {
    SIM_SEEDS: values.seeds,
    SIM_FIRST: values.first,
    ...(values.nodes && { SIM_NODES: values.nodes }),
    ...(values.ring && { SIM_RING: values.ring }),
    // What 1,000 nodes know of 1,000 nodes.
    ...(Number(values.ring ?? values.nodes ?? 0) > 200 && { NODE_OPTIONS: '--max-old-space-size=16000' }),
  });
}

function run(command, env = {}) {
  const child = spawn(process.execPath, command, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
