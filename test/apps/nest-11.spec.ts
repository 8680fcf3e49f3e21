import { describe, expect, inject, it } from 'vitest';
import { readManifest } from '../package/support/commands.js';
import { addClusterSpec, addProviderSpec } from './support/app-tests.js';
import { describeBuilds } from './support/cells.js';
import { GeneratedApp } from './support/generated-app.js';

const sets = inject('sets');

describe('an app of NestJS 11', () => {
  describeBuilds(11);

  it.each([
    [30, sets.nest11],
    [29, sets.jest29],
  ])('tests with Jest %i as it was generated', (version, set) => {
    const app = new GeneratedApp(sets, `jest-${version}`, { nest: 11, modules: 'cjs', set });
    addClusterSpec(app, 'jest');
    expect(readManifest(app.path('node_modules/jest')).version).toMatch(`${version}.`);
    expect(app.test('test')).toContain('Tests:       2 passed, 2 total');
    expect(app.test('test:e2e')).toContain('Tests:       1 passed, 1 total');
    if (version !== 30) return;
    addProviderSpec(app);
    expect(app.test('test')).toContain('Test Suites: 3 passed, 3 total');
  });
});
