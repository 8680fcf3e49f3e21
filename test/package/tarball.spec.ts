import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { manifest, optionalPeers, readManifest, tool } from './support/commands.js';
import { filesIn, importsOf, packageOf, reachableFrom } from './support/imports.js';

const unpacked = inject('unpacked');
const dist = join(unpacked, 'dist');

describe('the tarball', () => {
  it('holds the library, its papers, and nothing else', () => {
    const files = filesIn(unpacked);
    const papers = files.filter((file) => !file.startsWith('dist/'));
    expect(papers).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    const built = files.filter((file) => file.startsWith('dist/'));
    expect(built).toContain('dist/index.js');
    expect(built.filter((file) => !/\.(js|d\.ts)$/.test(file))).toEqual([]);
    expect(built.filter((file) => /\.(spec|test)\./.test(file))).toEqual([]);
  });

  it('has every file that package.json exports', () => {
    const files = filesIn(unpacked).map((file) => `./${file}`);
    const { exports = {} } = readManifest(unpacked);
    const targets = Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? [target] : Object.values(target),
    );
    expect(targets.length).toBeGreaterThan(2);
    expect(targets.filter((target) => !files.includes(target))).toEqual([]);
  });

  it('satisfies publint', () => {
    const { status, output } = tool('publint/src/cli.js', ['--strict', inject('tarball')], unpacked);
    expect(status, output).toBe(0);
  });

  it('has types that resolve, says attw', () => {
    const file = '@arethetypeswrong/cli/dist/index.js';
    const { status, output } = tool(
      file,
      ['--profile', 'esm-only', '--no-color', inject('tarball')],
      unpacked,
    );
    expect(status, output).toBe(0);
  });
});

describe('what the package imports', () => {
  const packagesIn = (files: readonly string[], alsoLater = true) =>
    new Set(
      files.flatMap((file) => importsOf(file, alsoLater).map(packageOf)).filter((name) => name !== undefined),
    );

  it('is declared, and nothing else is', () => {
    const used = packagesIn(filesIn(dist).map((file) => join(dist, file)));
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    expect([...used].filter((name) => !declared.includes(name))).toEqual([]);
    // Nest wants reflect-metadata, we never import it ourselves; tracing looks for its package at run time.
    const unseen = ['@opentelemetry/api', 'reflect-metadata'];
    expect(declared.filter((name) => !used.has(name)).toSorted((a, b) => a.localeCompare(b))).toEqual(unseen);
  });

  it.each(['.js', '.d.ts'] as const)(
    'holds no optional peer in any %s file that is loaded with the main entry',
    (ending) => {
      const files = reachableFrom(join(dist, `index${ending}`), ending);
      expect(files.length).toBeGreaterThan(3);
      expect(files.filter((file) => /[/\\](redis|postgres|kubernetes)[/\\]index\./.test(file))).toEqual([]);
      const used = packagesIn(files, ending === '.d.ts');
      expect([...used].filter((name) => optionalPeers.includes(name))).toEqual([]);
    },
  );
});
