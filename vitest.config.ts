import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

interface ProjectOptions {
  readonly timeoutMs: number;
  /** @default every spec in its folder */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Its files share one world of modules, which is much faster: in threads, or in processes where they start others. @default none */
  readonly sharesModules?: 'threads' | 'forks';
  /** So many of its files run at once. */
  readonly files: number;
  readonly globalSetup?: string;
}

const pathTo = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Projects of one order run together, and those of the next one after them: what measures time has the machine to itself. */
const project = (
  name: string,
  groupOrder: number,
  {
    timeoutMs,
    include = [`test/${name}/**/*.spec.ts`],
    exclude = [],
    sharesModules,
    files,
    globalSetup,
  }: ProjectOptions,
) => ({
  extends: true as const,
  test: {
    name,
    include: [...include],
    exclude: [...exclude],
    ...(sharesModules === undefined ? {} : { isolate: false, pool: sharesModules }),
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    sequence: { groupOrder },
    maxWorkers: files,
    ...(globalSetup === undefined ? {} : { globalSetup }),
  },
});

/** They replace modules, so they need a world of their own. */
const MOCKING = [
  'test/unit/via/url/via-url.spec.ts',
  'test/unit/via/dns/via-dns.spec.ts',
  'test/unit/via/dns/dns-srv.spec.ts',
  'test/unit/cli/network-checks.spec.ts',
  'test/unit/via/local/read-only.spec.ts',
  'test/e2e/via-local-unwatched.spec.ts',
];

/** The minutes of a run. What begins last should be short, so that all cores are busy until the end. */
const LONGEST = [
  'apps/nest-12.spec',
  'apps/nest-11.spec',
  'apps/bundles.spec',
  'sim/membership.spec',
  'package/install.spec',
  'package/readme-kit.spec',
  'sim/liveness.spec',
  'e2e/cluster-life.spec',
  'e2e/cluster-sources.spec',
  'e2e/via-postgres.spec',
  'e2e/bad-path.spec',
  'e2e/probe-thread-apps.spec',
  'e2e/rolling-restart.spec',
  'e2e/cluster-udp.spec',
  'net/via-udp.spec',
  'net/via-dns.spec',
  'net/several-processes.spec',
  'net/platforms.spec',
  'net/faults.spec',
  'net/cluster-network.spec',
];

/** Scenarios of liveness that fill all cores, or measure a few milliseconds: one at a time. */
const BUSY = ['busy', 'conditions', 'ends', 'large'].map((name) => `test/net/liveness/${name}.spec.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.includes(name));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

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
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', 1, { timeoutMs: 30_000, exclude: MOCKING, sharesModules: 'threads', files: 2 }),
      project('mocking', 1, { timeoutMs: 30_000, include: MOCKING, files: 2 }),
      project('sim', 1, { timeoutMs: 300_000, files: 2 }),
      project('package', 1, {
        timeoutMs: 300_000,
        files: 2,
        globalSetup: 'test/package/support/tarball.ts',
      }),
      project('apps', 1, { timeoutMs: 300_000, files: 2, globalSetup: 'test/apps/support/setup.ts' }),
      project('e2e', 2, { timeoutMs: 60_000, exclude: MOCKING, sharesModules: 'forks', files: 3 }),
      project('net', 3, {
        timeoutMs: 300_000,
        include: ['test/net/*.spec.ts'],
        sharesModules: 'forks',
        files: 3,
      }),
      project('liveness', 4, {
        timeoutMs: 300_000,
        include: ['test/net/liveness/*.spec.ts'],
        exclude: BUSY,
        // Its full scenarios are measurements.
        files: process.env['PEERAGE_NET_FULL'] ? 1 : 2,
        globalSetup: 'test/net/liveness/setup.ts',
      }),
      project('liveness-busy', 5, {
        timeoutMs: 300_000,
        include: BUSY,
        files: 1,
        globalSetup: 'test/net/liveness/setup.ts',
      }),
    ],
  },
});
