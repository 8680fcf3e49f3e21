import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifest, repository, tool } from './support/commands.js';

/** What each room may import, and what it may not. The rule itself is in `.oxlintrc.json`. */
const ROOMS: Readonly<
  Record<string, { readonly allowed: readonly string[]; readonly refused: readonly string[] }>
> = {
  errors: {
    allowed: [`import { a } from './other.js';`],
    refused: [`import { a } from '../naming/a.js';`, `import { Injectable } from '@nestjs/common';`],
  },
  naming: {
    allowed: [`import { a } from '../errors/a.js';`, `import { isIP } from 'node:net';`],
    refused: [`import { a } from '../membership/a.js';`, `import { a } from '../peerage.options.js';`],
  },
  time: {
    allowed: [`import { a } from '../errors/a.js';`],
    refused: [`import { a } from '../mesh/a.js';`, `import { Injectable } from '@nestjs/common';`],
  },
  wire: {
    allowed: [`import { a } from '../naming/a.js';`, `import { a } from '../errors/a.js';`],
    refused: [`import { a } from '../membership/a.js';`, `import { Observable } from 'rxjs';`],
  },
  membership: {
    allowed: [
      `import { a } from '../naming/a.js';`,
      `import { a } from '../wire/frames.js';`,
      `import type { A } from '../peerage.options.js';`,
      `export const a = new Date(1);`,
    ],
    refused: [
      `import { a } from '../peerage.options.js';`,
      `import type { A } from '../mesh/mesh.js';`,
      `import { a } from '../wire/frame-reader.js';`,
      `export * from '../via/a.js';`,
      `import { isIP } from 'node:net';`,
      `import { Injectable } from '@nestjs/common';`,
      `import { Observable } from 'rxjs';`,
      `export const b = Date.now();`,
      `export const c = Math.random();`,
      `export const d = performance.now();`,
      `setTimeout(() => {}, 1);`,
      `process.exit();`,
    ],
  },
  mesh: {
    allowed: [`import { a } from '../membership/a.js';`, `import { connect } from 'node:tls';`],
    refused: [
      `import { a } from '../cluster/a.js';`,
      `import { a } from '../via/a.js';`,
      `import { a } from '../peerage.module.js';`,
      `import { Logger } from '@nestjs/common';`,
      `import { Observable } from 'rxjs';`,
    ],
  },
  messaging: {
    allowed: [`import type { Mesh } from '../mesh/mesh.js';`],
    refused: [`import { a } from '../mesh/transport/outbox.js';`, `import { a } from '../cluster/a.js';`],
  },
  presence: {
    allowed: [
      `import { a } from '../messaging/a.js';`,
      `import type { Mesh } from '../mesh/mesh.js';`,
      `import { Injectable } from '@nestjs/common';`,
    ],
    refused: [
      `import { a } from '../ownership/a.js';`,
      `import { a } from '../cluster/a.js';`,
      `import { a } from '../mesh/transport/outbox.js';`,
    ],
  },
  ownership: {
    allowed: [`import { a } from '../presence/a.js';`, `import { a } from './core/a.js';`],
    refused: [`import { a } from '../cluster/a.js';`, `import { a } from '../discovery/a.js';`],
  },
  'ownership/core': {
    allowed: [`import { a } from '../../naming/a.js';`, `import { a } from './other.js';`],
    refused: [
      `import { a } from '../../messaging/a.js';`,
      `import { a } from '../../time/clock.js';`,
      `import { isIP } from 'node:net';`,
      `import { Observable } from 'rxjs';`,
      `export const b = Date.now();`,
      `export const c = Math.random();`,
      `setTimeout(() => {}, 1);`,
    ],
  },
  'presence/core': {
    allowed: [`import { a } from '../../errors/a.js';`, `import { a } from './other.js';`],
    refused: [`import { a } from '../../mesh/a.js';`, `export const b = Date.now();`],
  },
  runs: {
    allowed: [`import { a } from '../ownership/a.js';`, `import { a } from './core/a.js';`],
    refused: [`import { a } from '../cluster/a.js';`, `import { a } from '../discovery/a.js';`],
  },
  'runs/core': {
    allowed: [`import { a } from './other.js';`],
    refused: [`import { a } from '../../presence/a.js';`, `export const b = Date.now();`],
  },
  via: {
    allowed: [
      `import { a } from '../naming/a.js';`,
      `import { createSocket } from 'node:dgram';`,
      `import { a } from '../time/a.js';`,
    ],
    refused: [`import { a } from '../discovery/a.js';`, `import type { A } from '../mesh/mesh.js';`],
  },
  settings: {
    allowed: [`import { a } from '../via/a.js';`, `import { a } from '../peerage.options.js';`],
    refused: [`import { a } from '../mesh/a.js';`, `import { a } from '../config/a.js';`],
  },
  discovery: {
    allowed: [
      `import type { A } from '../via/a.js';`,
      `import type { Mesh } from '../mesh/mesh.js';`,
      `import type { A } from '../cluster/cluster.events.js';`,
    ],
    refused: [
      `import { a } from '../cluster/cluster.events.js';`,
      `import type { A } from '../cluster/cluster.service.js';`,
      `import { a } from '../mesh/transport/outbox.js';`,
      `import { createSocket } from 'node:dgram';`,
    ],
  },
  cluster: {
    allowed: [
      `import { a } from '../discovery/peerage.discovery.js';`,
      `import { a } from '../peerage.constants.js';`,
    ],
    refused: [
      `import { a } from '../mesh/transport/outbox.js';`,
      `import { a } from '../peerage.module.js';`,
      `import { a } from '../index.js';`,
      `import { a } from '../config/a.js';`,
      `import { a } from 'nestjs-peerage';`,
      `import { connect } from 'node:tls';`,
    ],
  },
  cli: {
    allowed: [
      `import { a } from '../mesh/transport/tcp/tcp-transport.js';`,
      `import { a } from '../via/a.js';`,
      `import { a } from '../via/redis/index.js';`,
    ],
    refused: [
      `import { a } from '../cluster/cluster.service.js';`,
      `import { a } from '../peerage.module.js';`,
      `import { a } from '../index.js';`,
      `import { a } from 'nestjs-peerage';`,
    ],
  },
  status: {
    allowed: [
      `import { a } from '../naming/a.js';`,
      `import type { A } from '../cluster/explanation.js';`,
      `import { a } from '../via/local/local-directory.js';`,
      `import { connect } from 'node:net';`,
    ],
    refused: [
      `import { a } from '../cluster/a.js';`,
      `import { a } from '../via/a.js';`,
      `import { Logger } from '@nestjs/common';`,
    ],
  },
  schematics: {
    allowed: [`import { a } from './other.js';`, `import { join } from 'node:path';`],
    refused: [`import { a } from '../naming/a.js';`, `import { Tree } from '@angular-devkit/schematics';`],
  },
  diagnostics: {
    allowed: [`import { a } from '../naming/a.js';`, `import type { A } from '../mesh/mesh.js';`],
    refused: [`import { a } from '../mesh/mesh.js';`, `import { a } from '../cluster/a.js';`],
  },
};

/** Files of rooms inside a room, with what each may say, or not. */
const INNER: readonly (readonly [folder: string, line: string, isRefused: boolean])[] = [
  ['mesh/inner', `import { a } from '../../cluster/a.js';`, true],
  ['mesh/inner', `import { a } from '../../naming/a.js';`, false],
  ['mesh/inner', `import { a } from '../frames.js';`, false],
  ['via/dns', `import { a } from '../../discovery/a.js';`, true],
  ['via/dns', `import { a } from '../registry/registry.js';`, false],
  ['wire/codec', `import { a } from '../../membership/a.js';`, true],
  ['mesh/transport/tcp', `import { a } from '../../../via/a.js';`, true],
  ['mesh/transport/tcp', `import { a } from '../transport.js';`, false],
];

describe('the dependency rule', () => {
  const cases = [
    ...Object.entries(ROOMS).flatMap(([room, { allowed, refused }]) => [
      ...allowed.map((line) => ({ room, line, isRefused: false })),
      ...refused.map((line) => ({ room, line, isRefused: true })),
    ]),
    ...INNER.map(([room, line, isRefused]) => ({ room, line, isRefused })),
  ].map((each, i) => ({ ...each, file: `lib/${each.room}/file-${i}.ts` }));
  let folder: string;
  /** Files that break a rule of imports or globals: each has one line. */
  let broken: ReadonlySet<string>;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'peerage-lint-'));
    // These rules need no types, and these files have no packages to take types from.
    const config = readFileSync(join(repository, '.oxlintrc.json'), 'utf8');
    writeFileSync(join(folder, '.oxlintrc.json'), config.replace('"typeAware": true', '"typeAware": false'));
    for (const { file, line } of cases) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${line}\n`);
    }
    const { output } = tool('oxlint/bin/oxlint', ['--format', 'unix', 'lib'], folder);
    const lines = output.split('\n').filter((line) => line.includes('no-restricted-'));
    broken = new Set(lines.map((line) => line.slice(0, line.indexOf(':')).replace(/^\.\//, '')));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(cases.filter(({ isRefused }) => !isRefused))('lets $room say $line', ({ file }) => {
    expect(broken).not.toContain(file);
  });

  it.each(cases.filter(({ isRefused }) => isRefused))('forbids $room $line', ({ file }) => {
    expect(broken).toContain(file);
  });

  it('knows every room', () => {
    const rooms = readdirSync(join(repository, 'lib'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    const subpaths = Object.keys(manifest.exports ?? {}).map((path) => path.replace('./', ''));
    expect(rooms.filter((room) => !(room in ROOMS) && !subpaths.includes(room))).toEqual([]);
  });
});

describe('a pure core', () => {
  const readsClock = (code: string): boolean => {
    const visit = (node: ts.Node): boolean =>
      (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) ||
      ts.forEachChild(node, (child) => visit(child) || undefined) === true;
    return visit(ts.createSourceFile('file.ts', code, ts.ScriptTarget.Latest, true));
  };

  it('never asks what time it is, which no lint rule can tell from `new Date(ms)`', () => {
    expect(readsClock('const a = [new Date()];')).toBe(true);
    expect(readsClock('const a = [new Date(1)];')).toBe(false);
    for (const name of ['membership', 'presence/core', 'ownership/core', 'runs/core']) {
      const room = join(repository, 'lib', name);
      const files = readdirSync(room).filter((file) => file.endsWith('.ts'));
      expect(files.length).toBeGreaterThan(0);
      expect(files.filter((file) => readsClock(readFileSync(join(room, file), 'utf8')))).toEqual([]);
    }
  });
});
