import { beforeAll, describe, inject, it } from 'vitest';
import { GeneratedApp } from './generated-app.js';
import { cellsOf, replicasOn } from './matrix.js';
import { expectCluster } from './replicas.js';

/** Builds an app of that version in every way, and runs it. */
export function describeBuilds(nest: 11 | 12): void {
  const sets = inject('sets');
  describe.each(cellsOf(nest))('built by $builder, $modules, with $platform', (cell) => {
    const { builder, modules, platform, pairs } = cell;
    let app: GeneratedApp;
    beforeAll(() => {
      app = new GeneratedApp(sets, `${builder}-${modules}-${platform}`, { nest, modules, platform });
      app.build(builder);
    });

    it.each(pairs)('runs as two replicas, on Node.js %i and %i', async (...pair) => {
      await expectCluster(app.main, replicasOn(sets, pair));
    });
  });
}
