import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { manifest, readManifest } from '../package/support/commands.js';
import { freePorts } from '../support/processes/cluster.js';
import { Program, stopPrograms } from '../support/processes/programs.js';
import type { Modules } from './support/generated-app.js';
import { NewApp } from './support/new-app.js';
import { isWhole } from './support/matrix.js';
import { Registry } from './support/registry.js';

const sets = inject('sets');
const registry = new Registry(inject('tarball'));
beforeAll(() => registry.start());
afterAll(() => registry.stop());

/** Two processes of an app on one machine, with nothing set but the port of HTTP. */
async function meet(app: NewApp): Promise<void> {
  const ports = await freePorts(2);
  // Nodes of one machine meet in a folder below this.
  const env = { TMPDIR: app.folder, NO_COLOR: '1' };
  const programs = ports.map(
    (port) => new Program(app.path('dist/main.js'), { env: { ...env, PORT: String(port) } }),
  );
  try {
    for (const program of programs) await program.line(/ LOG \[Peerage\] peer\.up door@127\.0\.0\.1/);
    await programs[0]!.stop();
    await programs[1]!.line(/peer\.down \(left\) .*it said goodbye/);
  } finally {
    await stopPrograms(programs);
  }
}

interface Shape {
  readonly nest: 11 | 12;
  readonly modules: Modules;
  readonly flags: readonly string[];
  /** The version of `@nestjs/schedule` that belongs to it. */
  readonly schedule: number;
}

const SHAPES: readonly Shape[] = [
  { nest: 11, modules: 'cjs', flags: [], schedule: 6 },
  { nest: 12, modules: 'esm', flags: ['--deploy=compose'], schedule: 12 },
  { nest: 12, modules: 'cjs', flags: ['--via=local'], schedule: 12 },
];

describe.each(isWhole ? SHAPES : SHAPES.slice(0, 1))(
  'npx nest add nestjs-peerage, in a new app of NestJS $nest, $modules',
  (shape) => {
    const app = new NewApp(sets, `nest-add-${shape.nest}-${shape.modules}`, shape);

    it('makes it a cluster', async () => {
      await app.nest('add', ['nestjs-peerage', ...shape.flags], registry.asEnvironment());
      const { dependencies } = readManifest(app.folder);
      expect(dependencies).toMatchObject({
        'nestjs-peerage': `^${manifest.version}`,
        '@nestjs/schedule': `^${shape.schedule}.0.0`,
      });
      expect(readManifest(app.path('node_modules/@nestjs/schedule')).version).toMatch(`${shape.schedule}.`);
      expect(readFileSync(app.path('src/app.module.ts'), 'utf8')).toContain('PeerageModule.forRoot(');
      expect(readFileSync(app.path('src/main.ts'), 'utf8')).toContain('enableShutdownHooks()');
      expect(existsSync(app.path('compose.peerage.yaml'))).toBe(shape.flags.includes('--deploy=compose'));
      await app.nest('build');
      await meet(app);
    });
  },
);
