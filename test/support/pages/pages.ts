import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** What is written for people: README.md, and every page of docs/. */
export const PAGES: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(repository, 'docs')).map((name) => `docs/${name}`),
];

export function readPage(page: string): string {
  return readFileSync(join(repository, page), 'utf8');
}

/** The code blocks of a page in one language. */
export function blocksOf(page: string, language: string): string[] {
  const blocks = readPage(page).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'));
  return [...blocks].map(([, code]) => code!);
}

/** The first TypeScript of a page in which something stands. */
export function codeWith(page: string, text: string): string {
  const code = blocksOf(page, 'ts').find((block) => block.includes(text));
  if (code === undefined) throw new Error(`${page} shows no ${text}.`);
  return code;
}

/** A block that begins with the name of a file in a comment is that file; blocks of a page can import each other so. */
export function fileNameOf(code: string): string | undefined {
  return /^\/\/ (\S+\.ts)\n/.exec(code)?.[1];
}

/** What the compiler says of the TypeScript in all pages, with the settings that a new Nest app has. */
export function typeErrorsOfPages(): string[] {
  mkdirSync(join(repository, 'build'), { recursive: true });
  const folder = mkdtempSync(join(repository, 'build', 'pages-'));
  try {
    for (const page of PAGES)
      blocksOf(page, 'ts').forEach((code, i) => {
        const file = join(folder, page, fileNameOf(code) ?? `block-${i + 1}.ts`);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, code);
      });
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(SETTINGS));
    const compiler = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
      cwd: folder,
    });
    return stdout.split('\n').filter((line) => line.includes('error TS'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SETTINGS = {
  compilerOptions: {
    module: 'nodenext',
    target: 'ES2023',
    strict: true,
    strictPropertyInitialization: false,
    isolatedModules: true,
    emitDecoratorMetadata: true,
    experimentalDecorators: true,
    skipLibCheck: true,
    types: ['node'],
    noEmit: true,
  },
  include: ['**/*.ts'],
};
