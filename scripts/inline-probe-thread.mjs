/**
 * `npm run build:thread`: makes `lib/mesh/probes/probe-thread.source.ts`, the text of the thread that answers
 * probes, of `probe-thread.ts` and what that imports. It is kept in the repository, so that the sources run as
 * they are, and the package from whatever bundle it ends up in.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

const folder = fileURLToPath(new URL('../lib/mesh/probes/', import.meta.url));
const target = `${folder}probe-thread.source.ts`;

export async function makeSource() {
  const { output } = await build({
    configFile: false,
    logLevel: 'silent',
    root: folder,
    build: {
      write: false,
      ssr: `${folder}probe-thread.ts`,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { format: 'cjs', comments: false } },
    },
  });
  const text = output[0].code
    .split('\n')
    .filter((line) => !/^\s*\/\/#(end)?region/.test(line) && line.trim() !== '')
    .join('\n')
    .replaceAll('\\', '\\\\')
    .replaceAll('`', '\\`')
    .replaceAll('${', '\\${');
  return (
    '// Made of probe-thread.ts by `npm run build:thread`. Change that file, not this one.\n' +
    `export const PROBE_THREAD = \`${text}\n\`;\n`
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(target, await makeSource());
