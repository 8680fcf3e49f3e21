import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

interface ProjectOptions {
  readonly timeoutMs: number;
  /** Its files run one after another. */
  readonly serial?: boolean;
  readonly globalSetup?: string;
  /** Real processes on a shared machine: a test that fails gets another try before it counts. */
  readonly retries?: number;
}

const pathTo = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Projects run in the order they are listed in, one at a time: what measures time has the machine to itself. */
const project = (
  name: string,
  groupOrder: number,
  { timeoutMs, serial = false, globalSetup, retries = 0 }: ProjectOptions,
) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.spec.ts`],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    retry: retries,
    sequence: { groupOrder },
    fileParallelism: !serial,
    ...(globalSetup === undefined ? {} : { globalSetup }),
  },
});

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-peerage$/, replacement: pathTo('lib/index.ts') },
      { find: /^nestjs-peerage\/([\w-]+)$/, replacement: pathTo('lib/$1/index.ts') },
    ],
  },
  test: {
    setupFiles: ['test/support/setup.ts'],
    coverage: { include: ['lib/**'], reportsDirectory: 'coverage' },
    projects: [
      project('unit', 1, { timeoutMs: 30_000 }),
      project('sim', 2, { timeoutMs: 120_000 }),
      project('e2e', 3, { timeoutMs: 60_000, serial: true, retries: 2 }),
      project('net', 4, {
        timeoutMs: 300_000,
        serial: true,
        retries: 2,
        globalSetup: 'test/net/liveness/setup.ts',
      }),
      project('package', 5, {
        timeoutMs: 300_000,
        serial: true,
        globalSetup: 'test/package/support/tarball.ts',
      }),
    ],
  },
});
