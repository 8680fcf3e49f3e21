import { defineConfig } from 'vitest/config';

const project = (name: string, testTimeout: number, serial = false) => ({
  test: {
    name,
    include: [`test/${name}/**/*.spec.ts`],
    testTimeout,
    hookTimeout: testTimeout,
    ...(serial ? { fileParallelism: false } : {}),
  },
});

export default defineConfig({
  test: {
    setupFiles: ['test/support/setup.ts'],
    projects: [
      project('unit', 10_000),
      project('sim', 120_000),
      project('e2e', 60_000, true),
      project('net', 300_000, true),
    ].map((p) => ({ extends: true as const, ...p })),
  },
});
