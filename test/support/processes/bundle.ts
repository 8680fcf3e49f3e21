import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const programs = fileURLToPath(new URL('../../../build/test/programs/', import.meta.url));

/**
 * `test/programs/node.ts` and the package in one minified file, as an app would ship them; other packages stay
 * outside. Returns the name of the program.
 */
export async function bundleNode(): Promise<string> {
  const name = 'node-bundle';
  await build({
    configFile: false,
    logLevel: 'silent',
    root: programs,
    ssr: { noExternal: ['nestjs-peerage'] },
    build: {
      ssr: `${programs}node.js`,
      outDir: programs,
      emptyOutDir: false,
      target: 'node20',
      minify: true,
      rolldownOptions: { output: { entryFileNames: `${name}.js`, codeSplitting: false } },
    },
  });
  return name;
}
