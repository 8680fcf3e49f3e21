import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { App } from './support/app.js';
import { attempt, pinned, repository, requiredPeers, tool } from './support/commands.js';

/** The first code of the README in which something stands. */
function codeWith(text: string): string {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const blocks = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = '']) => code);
  const code = blocks.find((block) => block.includes(text));
  if (code === undefined) throw new Error(`The README shows no ${text}.`);
  return code;
}

const example = () => codeWith('describeProvider(');

/** The same, with a provider that loses every second name. */
const brokenExample = () =>
  example().replace('poll: () => names', 'poll: () => names.filter((_, i) => i % 2)');

/** One of its tests, which such a provider fails: each waits for a while. */
const ONE_TEST = ['-t', 'answers with the names of its source'];

describe('the tests that the README shows', () => {
  it('is one that can fail', () => {
    expect(brokenExample()).not.toBe(example());
  });

  it('run in an app of NestJS 12, whose tests are of vitest', () => {
    const app = new App(inject('workshop'), 'kit with vitest');
    app.install(inject('tarball'), ...requiredPeers.map(pinned), pinned('@nestjs/testing'));
    // As the configuration that `nest new` makes.
    app.write('vitest.config.ts', `export default { test: { globals: true, include: ['*.spec.ts'] } };\n`);
    app.write('tsconfig.json', JSON.stringify({ compilerOptions: NEST_11 }));
    app.write('prices.module.ts', codeWith('class PricesModule'));
    app.write('prices.spec.ts', codeWith('cluster.partition('));
    const vitest = (...args: string[]) =>
      tool('vitest/vitest.mjs', ['run', '--root', app.folder, ...args], app.folder);
    app.write('mine.spec.ts', example());
    const { status, output } = vitest();
    expect(status, output).toBe(0);
    app.write('mine.spec.ts', brokenExample());
    expect(vitest(...ONE_TEST).status).not.toBe(0);
  });

  // Jest and what it needs are 400 packages: CI=true npm run test:package
  it.skipIf(!process.env.CI)('run in an app of NestJS 11, whose tests are of Jest', () => {
    const app = new App(inject('workshop'), 'kit with jest');
    app.write('package.json', JSON.stringify({ name: 'with-jest', private: true, jest: JEST }));
    app.write('tsconfig.json', JSON.stringify({ compilerOptions: NEST_11 }));
    app.write('tsconfig.jest.json', JSON.stringify(TS_JEST));
    const versions = [
      '@nestjs/common@11',
      '@nestjs/core@11',
      '@nestjs/schedule@6',
      'reflect-metadata',
      'rxjs',
    ];
    const runner = ['jest@30', 'ts-jest@29', '@types/jest@30', '@types/node@20', 'typescript@5'];
    app.install(inject('tarball'), ...versions, ...runner);
    const node = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];
    const jest = (...args: string[]) => attempt(process.execPath, [...node, ...args], app.folder);
    app.write('mine.spec.ts', example());
    const { status, output } = jest();
    expect(status, output).toBe(0);
    app.write('mine.spec.ts', brokenExample());
    expect(jest(...ONE_TEST).status).not.toBe(0);
  });
});

/** As `nest new` of version 11 makes it, apart from the two lines that load ES modules. */
const JEST = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  testRegex: String.raw`.*\.spec\.ts$`,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { [String.raw`^.+\.ts$`]: ['ts-jest', { useESM: true, tsconfig: 'tsconfig.jest.json' }] },
};

const TS_JEST = {
  extends: './tsconfig.json',
  compilerOptions: { module: 'esnext', moduleResolution: 'bundler' },
};

const NEST_11 = {
  module: 'nodenext',
  moduleResolution: 'nodenext',
  resolvePackageJsonExports: true,
  esModuleInterop: true,
  isolatedModules: true,
  emitDecoratorMetadata: true,
  experimentalDecorators: true,
  target: 'ES2023',
  skipLibCheck: true,
  strictNullChecks: true,
};
