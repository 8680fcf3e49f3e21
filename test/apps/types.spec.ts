import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { attempt, manifest } from '../package/support/commands.js';
import { isWhole } from './support/matrix.js';
import { TYPESCRIPTS, type TypeScriptVersion } from './support/sets.js';

const sets = inject('sets');

interface Setting {
  readonly nest: 11 | 12;
  /** Of its package.json. */
  readonly type: 'commonjs' | 'module';
  readonly module: string;
  readonly moduleResolution: string;
}

// NestJS 12 itself is ES modules only, which older compilers refuse in CommonJS.
const COMMONJS: Setting = { nest: 11, type: 'commonjs', module: 'commonjs', moduleResolution: 'node' };
const NODENEXT: Setting = { nest: 11, type: 'commonjs', module: 'nodenext', moduleResolution: 'nodenext' };
const NODENEXT_ESM: Setting = { ...NODENEXT, nest: 12, type: 'module' };
const BUNDLER: Setting = { nest: 12, type: 'module', module: 'esnext', moduleResolution: 'bundler' };

const SOME: Readonly<Record<TypeScriptVersion, readonly Setting[]>> = {
  '5.6': [COMMONJS],
  '5.7': [NODENEXT, COMMONJS],
  '5.8': [NODENEXT_ESM],
  '5.9': [BUNDLER, COMMONJS],
};

const ALL = [COMMONJS, NODENEXT, NODENEXT_ESM, BUNDLER];

const cells = TYPESCRIPTS.flatMap((version) =>
  (isWhole ? ALL : SOME[version]).map((setting) => ({ version, ...setting })),
);

const subpaths = Object.keys(manifest.exports ?? {}).filter(
  (path) => path !== '.' && path !== './package.json',
);

const CONSUMER = `
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ClusterService, OnPeerUp, PeerageModule, viaDns } from 'nestjs-peerage';
import type { PeerUpEvent } from 'nestjs-peerage';
import { TestCluster } from 'nestjs-peerage/testing';
${subpaths.map((path, at) => `import * as subpath${at} from '${path.replace('./', 'nestjs-peerage/')}';`).join('\n')}

export const loaded = [${subpaths.map((_, at) => `subpath${at}`).join(', ')}];

@Injectable()
export class Greeter {
  constructor(private readonly cluster: ClusterService) {}

  @OnPeerUp()
  greet({ peer }: PeerUpEvent): string {
    return peer.name + this.cluster.self.name;
  }
}

@Module({
  imports: [
    PeerageModule.forRoot({
      via: viaDns({ dnsName: process.env.DNS_NAME }),
      secret: process.env.CLUSTER_SECRET,
      appName: process.env.APP_NAME,
      heartbeat: { downMs: process.env.SLOW ? 8_000 : undefined },
    }),
  ],
  providers: [Greeter],
})
export class AppModule {}

export async function names(): Promise<string> {
  const cluster = await TestCluster.start(3, () => Test.createTestingModule({ imports: [AppModule] }));
  const [a, b, c] = cluster.nodes;
  return a.name + b.name + c.name;
}

// @ts-expect-error: no such option, so the declarations are really read
PeerageModule.forRoot({ nmae: 'a@b' });
`;

/** The strictest that an app may be set to, and the decorators of Nest. */
const STRICT = {
  target: 'ES2022',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  noEmit: true,
};

function compiler(version: TypeScriptVersion): string {
  const [set, name] = version === '5.9' ? [sets.nest11, 'typescript'] : [sets.tools, `typescript-${version}`];
  return join(set, 'node_modules', name, 'bin', 'tsc');
}

describe('an app in TypeScript', () => {
  it.each(cells)(
    'compiles with version $version on NestJS $nest, $type, module $module, moduleResolution $moduleResolution',
    ({ version, nest, type, module, moduleResolution }) => {
      const folder = join(
        nest === 11 ? sets.nest11 : sets.nest12,
        'apps',
        `types-${version}-${type}-${module}`,
      );
      mkdirSync(folder, { recursive: true });
      const compilerOptions = { ...STRICT, module, moduleResolution };
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'types', type }));
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
      writeFileSync(join(folder, 'app.ts'), CONSUMER);
      const { output } = attempt(
        process.execPath,
        [compiler(version), '-p', '.', '--pretty', 'false'],
        folder,
      );
      expect(output).toBe('');
    },
  );
});
