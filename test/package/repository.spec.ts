import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './support/commands.js';

interface LockedPackage {
  readonly version: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = <T>(file: string): T => JSON.parse(readFileSync(join(repository, file), 'utf8')) as T;

describe('package-lock.json', () => {
  it('knows the packages of every platform, without which `npm ci` refuses it', () => {
    const { packages } = read<{ packages: Record<string, LockedPackage> }>('package-lock.json');
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe('nest-cli.json', () => {
  it('lists every sample', () => {
    const { projects } = read<{ projects: Record<string, { sourceRoot: string }> }>('nest-cli.json');
    const samples = readdirSync(join(repository, 'sample')).filter((name) => /^\d\d-/.test(name));
    expect(Object.keys(projects)).toEqual(samples.toSorted());
    expect(Object.values(projects).map(({ sourceRoot }) => sourceRoot)).toEqual(
      Object.keys(projects).map((name) => `sample/${name}/src`),
    );
  });
});
