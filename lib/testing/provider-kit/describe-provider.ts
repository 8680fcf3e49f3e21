import assert from 'node:assert/strict';
import type { PeerageProvider } from '../../via/provider.js';
import type { Rule } from './provider-contract.js';
import { onStage, POLL_RULES, SERVE_RULES } from './provider-contract.js';
import type { ProviderFactory, ProviderFixtures } from './provider-fixtures.js';
import type { TestRunner } from './runner.js';
import { runnerOf } from './runner.js';

/**
 * Options of {@link describeProvider}.
 *
 * @publicApi
 */
export interface DescribeProviderOptions extends Partial<TestRunner> {
  /** The title of the tests. @default 'a provider' */
  readonly title?: string | undefined;
  /** Whether the provider has a `serve`. @default true when the fixtures have `pushes` or `held` */
  readonly serves?: boolean | undefined;
}

/**
 * Defines the tests that every provider passes: what it answers, how it fails, how it ends. Call it where
 * tests are defined, as `describe` is called. It works with vitest, Jest and `node:test`, and takes the
 * runner's functions from the global scope unless they are given.
 *
 * @throws Error when there is no test runner.
 * @publicApi
 */
export function describeProvider(
  factory: ProviderFactory,
  fixtures: ProviderFixtures,
  options: DescribeProviderOptions = {},
): void {
  const { describe, it } = runnerOf(options);
  const { title = 'a provider', serves = (fixtures.pushes ?? false) || 'held' in fixtures } = options;
  describe(title, () => {
    it(serves ? 'has poll() and serve()' : 'has poll()', () => checkShape(factory, fixtures, serves));
    for (const { title: rule, check, ...rest } of [...POLL_RULES, ...(serves ? SERVE_RULES : [])])
      if (applies(rest, fixtures)) it(rule, () => onStage(factory, fixtures, check));
  });
}

function applies({ needs = [], ofChanges = false }: Partial<Rule>, fixtures: ProviderFixtures): boolean {
  return needs.every((need) => Boolean(fixtures[need])) && !(ofChanges && fixtures.isFixed);
}

async function checkShape(
  factory: ProviderFactory,
  fixtures: ProviderFixtures,
  serves: boolean,
): Promise<void> {
  await fixtures.hold([]);
  const provider: Partial<PeerageProvider> = await factory();
  assert.equal(typeof provider.poll, 'function', 'a provider has a method poll()');
  const kind = serves ? 'function' : 'undefined';
  assert.equal(typeof provider.serve, kind, 'options.serves says whether it has a method serve()');
  const { name = 'none' } = provider;
  assert.ok(typeof name === 'string' && name !== '', 'its name is a text');
}
