import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, inject, it } from 'vitest';
import { manifest, optionalPeers, readManifest, repository, tool } from './support/commands.js';
import { filesIn, importsOf, packageOf, reachableFrom } from './support/imports.js';

const unpacked = inject('unpacked');
const dist = join(unpacked, 'dist');
const esm = join(dist, 'esm');

/** Every file that a part of package.json names, however deep. */
function filesNamedIn(part: unknown): string[] {
  if (typeof part === 'string') return [part];
  return typeof part === 'object' && part !== null ? Object.values(part).flatMap(filesNamedIn) : [];
}

describe('the tarball', () => {
  it('holds the library, its papers, and nothing else', () => {
    const files = filesIn(unpacked);
    const papers = files.filter((file) => !file.startsWith('dist/'));
    expect(papers).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
      'schematics/collection.json',
      'schematics/nest-add.schema.json',
    ]);
    const built = files.filter((file) => file.startsWith('dist/'));
    expect(built).toContain('dist/esm/index.js');
    expect(built.filter((file) => !/\.(js|d\.ts)$/.test(file))).toEqual(['dist/cjs/package.json']);
    expect(built.filter((file) => /\.(spec|test)\./.test(file))).toEqual([]);
  });

  it('has every file that package.json exports', () => {
    const files = filesIn(unpacked).map((file) => `./${file}`);
    const { exports = {}, typesVersions = {} } = readManifest(unpacked);
    const targets = [...filesNamedIn(exports), ...filesNamedIn(typesVersions)];
    expect(targets.length).toBeGreaterThan(2);
    expect(targets.filter((target) => !files.includes(target))).toEqual([]);
  });

  it('has each subpath for TypeScript that reads no exports, too', () => {
    const { exports = {}, typesVersions = {} } = readManifest(unpacked);
    const subpaths = Object.keys(exports).filter((path) => path !== '.' && path !== './package.json');
    expect(Object.keys(typesVersions['*'] ?? {})).toEqual(subpaths.map((path) => path.replace('./', '')));
  });

  it('has the same files, with the same declarations, as CommonJS', () => {
    const files = filesIn(esm).filter((file) => !file.startsWith('cli/'));
    expect(filesIn(join(dist, 'cjs')).filter((file) => file !== 'package.json')).toEqual(files);
    const declarations = files.filter((file) => file.endsWith('.d.ts'));
    const differ = declarations.filter(
      (file) => readFileSync(join(dist, 'cjs', file), 'utf8') !== readFileSync(join(esm, file), 'utf8'),
    );
    expect(differ).toEqual([]);
  });

  it('has declarations that compile where those of libraries are checked', () => {
    // As built, since the packages that they import are there.
    const built = join(repository, 'dist', 'esm');
    const program = ts.createProgram(
      filesIn(built)
        .filter((file) => file.endsWith('.d.ts'))
        .map((file) => join(built, file)),
      {
        module: ts.ModuleKind.NodeNext,
        target: ts.ScriptTarget.ES2023,
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        types: ['node'],
        noEmit: true,
      },
    );
    const ours = program.getSourceFiles().filter(({ fileName }) => fileName.includes('/dist/esm/'));
    const faults = ours.flatMap((file) => program.getSemanticDiagnostics(file));
    expect(ours.length).toBeGreaterThan(100);
    expect(faults.map(({ file, messageText }) => [file?.fileName, messageText])).toEqual([]);
  });

  it('satisfies publint', () => {
    const { status, output } = tool('publint/src/cli.js', ['--strict', inject('tarball')], unpacked);
    expect(status, output).toBe(0);
  });

  it('has types that resolve, says attw', () => {
    const file = '@arethetypeswrong/cli/dist/index.js';
    const { status, output } = tool(file, ['--profile', 'strict', '--no-color', inject('tarball')], unpacked);
    expect(status, output).toBe(0);
  });
});

describe('what the package imports', () => {
  const packagesIn = (files: readonly string[], alsoLater = true) =>
    new Set(
      files.flatMap((file) => importsOf(file, alsoLater).map(packageOf)).filter((name) => name !== undefined),
    );

  it('is declared, and nothing else is', () => {
    const used = packagesIn(filesIn(esm).map((file) => join(esm, file)));
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect([...used].filter((name) => !declared.includes(name))).toEqual([]);
    // Nest wants it, we never import it ourselves.
    const unseen = ['reflect-metadata'];
    expect(declared.filter((name) => !used.has(name)).toSorted((a, b) => a.localeCompare(b))).toEqual(unseen);
  });

  it.each(['.js', '.d.ts'] as const)(
    'holds no optional peer in any %s file that is loaded with the main entry',
    (ending) => {
      const files = reachableFrom(join(esm, `index${ending}`), ending);
      expect(files.length).toBeGreaterThan(3);
      expect(files.filter((file) => /[/\\](redis|postgres|kubernetes)[/\\]index\./.test(file))).toEqual([]);
      const used = packagesIn(files, ending === '.d.ts');
      expect([...used].filter((name) => optionalPeers.includes(name))).toEqual([]);
    },
  );
});
