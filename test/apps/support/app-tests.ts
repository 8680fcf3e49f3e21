import { codeWith } from '../../support/pages/pages.js';
import type { GeneratedApp } from './generated-app.js';

/** What an app's own test may look like, in globals that Jest and Vitest both have. */
export function addClusterSpec(app: GeneratedApp, mock: 'jest' | 'vi'): void {
  app.write(
    'src/cluster.spec.ts',
    `
import { Test } from '@nestjs/testing';
import { ClusterService } from 'nestjs-peerage';
import { TestCluster } from 'nestjs-peerage/testing';
import { AppModule } from '${app.relative('app.module')}';

describe('three replicas', () => {
  it('meet and talk', async () => {
    const cluster = await TestCluster.start(3, () => Test.createTestingModule({ imports: [AppModule] }));
    const [a, b] = cluster.nodes;
    const double = ${mock}.fn((n: number) => 2 * n);
    b.cluster.handle('double', double);
    expect(await a.cluster.request(b.name, 'double', 21)).toBe(42);
    expect(double).toHaveBeenCalledTimes(1);
    expect(a.cluster).toBeInstanceOf(ClusterService);
    await cluster.stop();
  });
});
`,
  );
}

/** The test of a provider that the page shows. */
export function addProviderSpec(app: GeneratedApp): void {
  app.write('src/mine.spec.ts', codeWith('docs/providers.md', 'describeProvider('));
}
