import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SchematicTestRunner, UnitTestTree } from '@angular-devkit/schematics/testing';
import { HostTree } from '@angular-devkit/schematics';
import { describe, expect, inject, it } from 'vitest';
import { VIAS } from '../../lib/schematics/vias.js';
import { MAIN, NEW_MODULE } from '../unit/schematics/apps.js';
import { repository, tool } from './support/commands.js';

const require = createRequire(import.meta.url);
const nest = new SchematicTestRunner('nest', require.resolve('@nestjs/schematics/dist/collection.json'));
const packed = new SchematicTestRunner('packed', join(inject('unpacked'), 'schematics', 'collection.json'));

/** An app as `nest new` of NestJS 12 makes it. */
async function twelve(type: 'cjs' | 'esm'): Promise<UnitTestTree> {
  const made = await nest.runSchematic('application', { name: 'shop', type, specFileSuffix: 'spec' });
  const tree = new UnitTestTree(new HostTree());
  for (const path of made.files) tree.create(path.replace(/^\/shop\//, '/'), made.readText(path));
  return tree;
}

/** The same of NestJS 11, as its schematics 11.1.0 write it. */
async function eleven(): Promise<UnitTestTree> {
  const tree = new UnitTestTree(new HostTree());
  const dependencies = { '@nestjs/common': '^11.0.1', '@nestjs/core': '^11.0.1', rxjs: '^7.8.1' };
  tree.create('/package.json', JSON.stringify({ name: 'shop', dependencies }, null, 2));
  tree.create('/src/app.module.ts', NEW_MODULE);
  tree.create('/src/main.ts', MAIN.replace('void ', ''));
  return tree;
}

describe.each([
  ['12, ES modules', () => twelve('esm'), '^12.0.0'],
  ['12, CommonJS', () => twelve('cjs'), '^12.0.0'],
  ['11', eleven, '^6.0.0'],
])('nest add, run as the Nest CLI runs it, on a new app of NestJS %s', (_name, make, schedule) => {
  it('makes it a node', async () => {
    const options = { sourceRoot: 'src', via: 'dns', deploy: 'kubernetes' };
    const tree = await packed.runSchematic('nest-add', options, await make());
    expect(tree.readText('/src/app.module.ts')).toContain(
      `  imports: [\n    PeerageModule.forRoot({\n      via: viaDns({ dnsName: 'shop-peers' }),`,
    );
    expect(tree.readText('/src/main.ts')).toMatch(
      /NestFactory\.create\(AppModule\);\n {2}app\.enableShutdownHooks\(\);/,
    );
    expect(tree.readJson('/package.json')).toMatchObject({ dependencies: { '@nestjs/schedule': schedule } });
    expect(tree.readText('/kubernetes/peerage.yaml')).toContain('name: shop-peers');
    expect(packed.tasks.at(-1)).toMatchObject({ name: 'node-package' });
  });

  it('asks nothing that it has no answer for by itself', async () => {
    const tree = await packed.runSchematic('nest-add', {}, await make());
    expect(tree.readText('/src/app.module.ts')).toContain('PeerageModule.forRoot()');
  });
});

it('writes code that compiles, for each provider', async () => {
  const folder = join(repository, 'build', `nest-add-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    for (const via of VIAS) {
      const tree = await packed.runSchematic('nest-add', { via }, await eleven());
      // The controller and the service of a new app are not here.
      const text = tree
        .readText('/src/app.module.ts')
        .replace(/import .*'\.\/app\..*\n|App(?:Controller|Service)/g, '');
      writeFileSync(join(folder, `${via}.ts`), text);
    }
    const compilerOptions = {
      module: 'nodenext',
      target: 'ES2023',
      strict: true,
      emitDecoratorMetadata: true,
      experimentalDecorators: true,
      skipLibCheck: true,
      types: ['node'],
      noEmit: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const { status, output } = tool('typescript/bin/tsc', ['-p', folder, '--pretty', 'false'], repository);
    expect(status, output).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
