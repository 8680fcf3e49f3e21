/**
 * Bundles the programs that tests start by the hundred, each with all that it needs: a process is up in a third of the
 * time. Runs after `tsc -p tsconfig.programs.json`; what is not listed here runs as it was compiled, and so do the
 * samples, the soak, the benchmarks and the apps of `test/package`.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const PROGRAMS = ['node', 'many-nodes', 'replica', 'talker', 'holder', 'jobber', 'worker'];

/** Optional to Nest, and absent from these programs; and what must be the one that Node loads. */
const EXTERNAL = ['@nestjs/websockets', 'class-transformer', 'class-validator', 'reflect-metadata'];

await build({
  configFile: false,
  logLevel: 'error',
  root,
  ssr: { noExternal: true, external: EXTERNAL },
  build: {
    ssr: true,
    outDir: `${root}build/test/bundled`,
    target: 'node20',
    minify: false,
    rolldownOptions: {
      input: Object.fromEntries(PROGRAMS.map((name) => [name, `${root}build/test/programs/${name}.js`])),
      output: { entryFileNames: '[name].js' },
    },
  },
});
