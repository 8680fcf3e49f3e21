/**
 * `npm run build`: ES modules by tsc in dist/esm, and the same files as CommonJS in dist/cjs, for what cannot load
 * ES modules (Jest, TypeScript before 5.8). Both have the same declarations; `exports` of package.json says who
 * gets which.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const esm = join(root, 'dist', 'esm');
const cjs = join(root, 'dist', 'cjs');

/** Programs, which nobody imports. */
const ONLY_ESM = /^cli[/\\]/;

rmSync(join(root, 'dist'), { recursive: true, force: true });
buildEsm();
buildCjs();

function buildEsm() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

function buildCjs() {
  const files = readdirSync(esm, { recursive: true }).filter((file) => !ONLY_ESM.test(file));
  for (const file of files) {
    if (file.endsWith('.js')) write(file, toCommonJs(file));
    else if (file.endsWith('.d.ts')) copy(file);
  }
  // The nearest package.json says what a file is, and what bundlers may leave out.
  write('package.json', `${JSON.stringify({ type: 'commonjs', sideEffects: false }, null, 2)}\n`);
}

function toCommonJs(file) {
  const source = readFileSync(join(esm, file), 'utf8');
  const compilerOptions = {
    module: ts.ModuleKind.CommonJS,
    target: ts.ScriptTarget.ES2023,
    esModuleInterop: true,
  };
  return ts.transpileModule(source, { fileName: file, compilerOptions }).outputText;
}

function write(file, text) {
  const path = join(cjs, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function copy(file) {
  const path = join(cjs, file);
  mkdirSync(dirname(path), { recursive: true });
  copyFileSync(join(esm, file), path);
}
