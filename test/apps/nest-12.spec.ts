import { describe, expect, inject, it } from 'vitest';
import { addClusterSpec } from './support/app-tests.js';
import { describeBuilds } from './support/cells.js';
import { GeneratedApp } from './support/generated-app.js';
import { nodeOf } from './support/matrix.js';

const sets = inject('sets');

describe('an app of NestJS 12', () => {
  describeBuilds(12);

  // Its own packages are ES modules only, which Jest can load in CommonJS since Node.js 24.9.
  it('tests with Jest 30 on Node.js 24 as it was generated', () => {
    const node = nodeOf(sets.tools, 24);
    const app = new GeneratedApp(sets, 'jest', { nest: 12, modules: 'cjs' });
    addClusterSpec(app, 'jest');
    expect(app.test('test', node)).toContain('Tests:       2 passed, 2 total');
    expect(app.test('test:e2e', node)).toContain('Tests:       1 passed, 1 total');
  });

  it('tests with Vitest as it was generated', () => {
    const app = new GeneratedApp(sets, 'vitest', { nest: 12, modules: 'esm' });
    addClusterSpec(app, 'vi');
    expect(app.test('test')).toMatch(/Tests +2 passed \(2\)/);
    expect(app.test('test:e2e')).toMatch(/Tests +1 passed \(1\)/);
  });
});
