import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { codeWith } from '../support/pages/pages.js';
import { App } from './support/app.js';
import { pinned, requiredPeers, tool } from './support/commands.js';

const example = () => codeWith('docs/providers.md', 'describeProvider(');

/** The same, with a provider that loses every second name. */
const brokenExample = () =>
  example().replace('poll: () => names', 'poll: () => names.filter((_, i) => i % 2)');

/** One of its tests, which such a provider fails: each waits for a while. */
const ONE_TEST = ['-t', 'answers with the names of its source'];

let installed: App | undefined;

/** An app of NestJS 12, installed once for all that only needs one. */
function nest12(): App {
  if (installed) return installed;
  installed = new App(inject('workshop'), 'of the pages');
  const packages = [...requiredPeers, '@nestjs/testing', '@nestjs/platform-express', '@types/node'];
  installed.install(inject('tarball'), ...packages.map(pinned));
  installed.write('tsconfig.json', JSON.stringify({ compilerOptions: NEST_11 }));
  return installed;
}

describe('docs/getting-started.md', () => {
  it('shows an app whose copies become a cluster, and hear a goodbye', async () => {
    const app = nest12();
    for (const name of ['app.module.ts', 'neighbours.ts', 'main.ts'])
      app.write(`src/${name}`, codeWith('docs/getting-started.md', `// src/${name}\n`));
    const compilerOptions = { ...NEST_11, types: ['node'], rootDir: 'src', outDir: 'dist' };
    app.write('tsconfig.build.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    const { status, output } = tool('typescript/bin/tsc', ['-p', 'tsconfig.build.json'], app.folder);
    expect(status, output).toBe(0);
    const [first, second] = [startCopy(app.folder), startCopy(app.folder)];
    try {
      await Promise.all([first.says('We are 2 now'), second.says('We are 2 now')]);
      second.child.kill('SIGTERM');
      await first.says('is gone (left). We are 1 now');
    } finally {
      for (const { child } of [first, second]) child.kill('SIGKILL');
    }
  });
});

/** A copy of the app, on ports of its own, beside others of this folder only. */
function startCopy(folder: string) {
  const env = { ...process.env, PORT: '0', TMPDIR: folder, TEMP: folder, TMP: folder };
  const child = spawn(process.execPath, [join('dist', 'main.js')], { cwd: folder, env });
  let said = '';
  const wake = new EventEmitter();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => {
      said += text.toString();
      wake.emit('said');
    });
  return {
    child,
    async says(text: string): Promise<void> {
      const signal = AbortSignal.timeout(60_000);
      while (!said.includes(text))
        await once(wake, 'said', { signal }).catch(() =>
          expect.unreachable(`it did not say "${text}":\n${said}`),
        );
    },
  };
}

describe('the tests that the pages show', () => {
  it('is one that can fail', () => {
    expect(brokenExample()).not.toBe(example());
  });

  it('run in an app of NestJS 12, whose tests are of vitest', () => {
    const app = nest12();
    // As the configuration that `nest new` makes.
    app.write('vitest.config.ts', `export default { test: { globals: true, include: ['*.spec.ts'] } };\n`);
    app.write('prices.module.ts', codeWith('docs/testing.md', 'class PricesModule'));
    app.write('prices.spec.ts', codeWith('docs/testing.md', 'cluster.partition('));
    const vitest = (...args: string[]) =>
      tool('vitest/vitest.mjs', ['run', '--root', app.folder, ...args], app.folder);
    app.write('mine.spec.ts', example());
    const { status, output } = vitest();
    expect(status, output).toBe(0);
    app.write('mine.spec.ts', brokenExample());
    expect(vitest(...ONE_TEST).status).not.toBe(0);
  });
});

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
