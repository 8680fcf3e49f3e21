// Runs `main(arguments)` of a TypeScript module, with lib as it is in the source: nothing needs to be built.
//   node run-ts.mjs <module> [arguments]
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [file, ...args] = process.argv.slice(2);
const { module } = await runnerImport(file, { root, configFile: false, logLevel: 'error' });
await module.main(args);
process.exit(0);
