// Runs `main(arguments)` of a TypeScript module, with lib as it is in the source: nothing needs to be built.
//   node run-ts.mjs <module> [arguments]
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [file, ...args] = process.argv.slice(2);

// Run while it is imported: what it imports later on, as providers import their clients, is loaded then.
const entry = 'virtual:run-ts';
const plugin = {
  name: entry,
  resolveId: (id) => (id === entry ? `\0${entry}` : undefined),
  load: (id) =>
    id === `\0${entry}`
      ? `import { main } from ${JSON.stringify(resolve(file))}; await main(${JSON.stringify(args)});`
      : undefined,
};
await runnerImport(entry, { root, configFile: false, logLevel: 'error', plugins: [plugin] });
process.exit(0);
