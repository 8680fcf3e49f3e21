// Starts test/support/via-child.ts, with lib as it is in the source: nothing needs to be built.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const program = fileURLToPath(new URL('via-child.ts', import.meta.url));
const { module } = await runnerImport(program, { root, configFile: false, logLevel: 'error' });
await module.main(process.argv.slice(2));
process.exit(0);
