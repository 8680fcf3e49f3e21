import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));

export const readme = readFileSync(join(repository, 'README.md'), 'utf8');

/** The code blocks of README.md in one language. */
export function blocksOf(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, code]) => code!,
  );
}

/** What the compiler says of the TypeScript in README.md, with the settings that a new Nest app has. */
export function typeErrorsOfReadme(): string[] {
  mkdirSync(join(repository, 'build'), { recursive: true });
  const folder = mkdtempSync(join(repository, 'build', 'readme-'));
  try {
    blocksOf('ts').forEach((code, i) => {
      const file = join(folder, /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `block-${i + 1}.ts`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, code);
    });
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
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

const settings = {
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
