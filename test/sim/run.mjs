/**
 * Random histories of virtual clusters, as many as you like:
 *   npm run sim -- --seeds 100000 --nodes 200 --first 1
 * Without --nodes each seed draws its own number of nodes, 2 to 12. A silent death on a ring of many nodes:
 *   npm run sim -- --ring 1000
 */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    first: { type: 'string', default: '1' },
    nodes: { type: 'string' },
    ring: { type: 'string' },
  },
});

const child = spawn(
  process.execPath,
  [
    join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    ...(values.ring
      ? [join('test', 'sim', 'liveness.spec.ts'), '--testNamePattern', 'a ring of monitors tells all']
      : [join('test', 'sim', 'membership.spec.ts')]),
    ...['--project', 'sim', '--testTimeout', '0', '--disable-console-intercept'],
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      SIM_SEEDS: values.seeds,
      SIM_FIRST: values.first,
      ...(values.nodes && { SIM_NODES: values.nodes }),
      ...(values.ring && { SIM_RING: values.ring, NODE_OPTIONS: '--max-old-space-size=16000' }),
    },
  },
);
child.once('exit', (code) => (process.exitCode = code ?? 1));
