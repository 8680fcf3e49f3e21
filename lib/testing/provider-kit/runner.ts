/**
 * What the kit needs of a test runner. Those of vitest, Jest and `node:test` fit.
 *
 * @publicApi
 */
export interface TestRunner {
  /** Groups tests under a title. */
  readonly describe: (title: string, body: () => void) => unknown;
  /** Declares one test. */
  readonly it: (title: string, body: () => Promise<void>) => unknown;
}

/**
 * The runner that was given, or the one whose functions are global.
 *
 * @throws Error when there is none.
 */
export function runnerOf({ describe, it }: Partial<TestRunner>): TestRunner {
  const globals = globalThis as Partial<TestRunner>;
  const runner = { describe: describe ?? globals.describe, it: it ?? globals.it };
  if (!runner.describe || !runner.it)
    throw new Error(
      'There is no global describe() and it(). Hand over those of your test runner, as in ' +
        "import { describe, it } from 'vitest'; describeProvider(factory, fixtures, { describe, it }).",
    );
  return { describe: runner.describe, it: runner.it };
}
