import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

interface ProjectOptions {
  readonly timeoutMs: number;
  /** @default every spec in its folder */
  readonly include?: string;
  /** So many of its files run at once. */
  readonly files: number;
  readonly globalSetup?: string;
}

const pathTo = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Projects run in the order they are listed in, one at a time: what measures time has the machine to itself. */
const project = (
  name: string,
  groupOrder: number,
  { timeoutMs, include = `test/${name}/**/*.spec.ts`, files, globalSetup }: ProjectOptions,
) => ({
  extends: true as const,
  test: {
    name,
    include: [include],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    sequence: { groupOrder },
    maxWorkers: files,
    ...(globalSetup === undefined ? {} : { globalSetup }),
  },
});

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-peerage$/, replacement: pathTo('lib/index.ts') },
      { find: /^nestjs-peerage\/(redis|postgres|kubernetes)$/, replacement: pathTo('lib/via/$1/index.ts') },
      { find: /^nestjs-peerage\/([\w-]+)$/, replacement: pathTo('lib/$1/index.ts') },
    ],
  },
  test: {
    setupFiles: ['test/support/setup.ts'],
    coverage: { include: ['lib/**'], reportsDirectory: 'coverage' },
    projects: [
      project('unit', 1, { timeoutMs: 30_000, files: 2 }),
      project('sim', 2, { timeoutMs: 300_000, files: 2 }),
      project('e2e', 3, { timeoutMs: 60_000, files: 2 }),
      project('net', 4, { timeoutMs: 300_000, include: 'test/net/*.spec.ts', files: 2 }),
      project('liveness', 5, {
        timeoutMs: 300_000,
        include: 'test/net/liveness/*.spec.ts',
        files: 1,
        globalSetup: 'test/net/liveness/setup.ts',
      }),
      project('package', 6, {
        timeoutMs: 300_000,
        files: 1,
        globalSetup: 'test/package/support/tarball.ts',
      }),
    ],
  },
});
