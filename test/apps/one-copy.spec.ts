import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { run } from '../package/support/commands.js';
import { isWhole, nodeOf, type NodeVersion } from './support/matrix.js';

const sets = inject('sets');

const LIBRARY = `
const { Module } = require('@nestjs/common');
const { ClusterService } = require('nestjs-peerage');
class LibraryModule {
  static get service() { return ClusterService; }
}
Module({})(LibraryModule);
exports.LibraryModule = LibraryModule;
`;

const APP = `
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ClusterService, PeerageModule } from 'nestjs-peerage';
import { LibraryModule } from 'library';
const module = { module: LibraryModule, imports: [PeerageModule.forRoot({ appName: 'mixed', bind: '127.0.0.1', port: 0 })] };
const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
console.log(ClusterService === LibraryModule.service ? 'one copy' : 'two copies');
await app.close();
`;

/** An app of ES modules with a CommonJS library that uses the package, too; installed with one of its own, or not. */
function mixedApp(set: string, name: string, libraryHasItsOwn = false): string {
  const folder = join(set, 'apps', name);
  const library = join(folder, 'node_modules', 'library');
  mkdirSync(library, { recursive: true });
  writeFileSync(join(folder, 'app.mjs'), APP);
  writeFileSync(join(library, 'index.js'), LIBRARY);
  writeFileSync(join(library, 'package.json'), '{ "name": "library", "version": "1.0.0" }');
  if (libraryHasItsOwn) {
    const own = join(library, 'node_modules', 'nestjs-peerage');
    cpSync(join(set, 'node_modules', 'nestjs-peerage'), own, { recursive: true });
  }
  return folder;
}

const VERSIONS: readonly { nest: 11 | 12; node: NodeVersion }[] = isWhole
  ? ([11, 12] as const).flatMap((nest) => ([20, 22, 24] as const).map((node) => ({ nest, node })))
  : [
      { nest: 11, node: 20 },
      { nest: 12, node: 22 },
      { nest: 12, node: 24 },
    ];

const setOf = (nest: 11 | 12) => (nest === 11 ? sets.nest11 : sets.nest12);

describe('an app of ES modules and a CommonJS library', () => {
  it.each(VERSIONS)('share one copy with NestJS $nest on Node.js $node', ({ nest, node }) => {
    const folder = mixedApp(setOf(nest), `mixed-${node}`);
    expect(run(nodeOf(sets.tools, node), ['app.mjs'], folder).trim()).toBe('one copy');
  });

  it('are told when there are two, and where', () => {
    const folder = mixedApp(sets.nest12, 'twice', true);
    const output = run(process.execPath, ['app.mjs'], folder);
    expect(output).toContain('2 copies of nestjs-peerage are loaded');
    expect(output).toContain(join('library', 'node_modules', 'nestjs-peerage'));
    expect(output.trimEnd()).toMatch(/two copies$/);
  });
});
