/**
 * `npm run build:page`: makes `lib/dashboard/page.source.ts`, the files that the dashboard serves, of those in
 * `lib/dashboard/page`. TypeScript loses its types, and nothing is bundled: browsers load the modules as they are. It
 * is kept in the repository, so that the sources run as they are, and the package from whatever bundle it ends up in.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const folder = fileURLToPath(new URL('../lib/dashboard/page/', import.meta.url));
const target = fileURLToPath(new URL('../lib/dashboard/page.source.ts', import.meta.url));

export function makePage() {
  const files = readdirSync(folder).filter((file) => /\.(ts|css|html)$/.test(file));
  const entries = files
    .toSorted()
    .map((file) => `  '${file.replace(/\.ts$/, '.js')}': ${literal(textOf(file))},\n`);
  return (
    '// Made of the files in ./page by `npm run build:page`. Change those, not this one.\n' +
    `export const PAGE_FILES: Readonly<Record<string, string>> = {\n${entries.join('')}};\n`
  );
}

function textOf(file) {
  const text = readFileSync(join(folder, file), 'utf8');
  if (!file.endsWith('.ts')) return text;
  const compilerOptions = {
    module: ts.ModuleKind.ES2022,
    target: ts.ScriptTarget.ES2022,
    verbatimModuleSyntax: true,
    removeComments: true,
  };
  return ts.transpileModule(text, { fileName: file, compilerOptions }).outputText;
}

function literal(text) {
  return `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\``;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(target, makePage());
