import { createRequire } from 'node:module';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { optionsFromEnvironment } from '../../../lib/config/environment.js';
import type { SchematicContext, Tree } from '../../../lib/schematics/devkit.js';
import { nestAdd } from '../../../lib/schematics/nest-add.js';
import { VIAS } from '../../../lib/schematics/vias.js';
import type { NestAddOptions } from '../../../lib/schematics/vias.js';
import { parseYaml } from '../../support/apps/sample-yaml.js';
import { MAIN, NEW_MODULE } from './apps.js';

/** The files of an app, in memory, and what the schematic asked of its surroundings. */
class App implements Tree, SchematicContext {
  readonly said: string[] = [];
  readonly tasks: unknown[] = [];
  readonly logger = {
    info: (message: string) => void this.said.push(message),
    warn: (message: string) => void this.said.push(message),
  };

  constructor(readonly files: Record<string, string>) {}

  static new(more: Record<string, string> = {}, core = '^12.0.1'): App {
    const manifest = { name: '@acme/My Shop', dependencies: { '@nestjs/core': core, rxjs: '^7.8.1' } };
    const files = { 'src/app.module.ts': NEW_MODULE, 'src/main.ts': MAIN };
    return new App({ 'package.json': JSON.stringify(manifest), ...files, ...more });
  }

  add(options: NestAddOptions = {}, compiler: unknown = ts): this {
    nestAdd(options, compiler)(this, this);
    return this;
  }

  exists(path: string): boolean {
    return path in this.files;
  }
  readText(path: string): string {
    return this.files[path]!;
  }
  overwrite(path: string, content: string): void {
    this.files[path] = content;
  }
  create(path: string, content: string): void {
    this.files[path] = content;
  }
  addTask(task: { toConfiguration(): unknown }): void {
    this.tasks.push(task.toConfiguration());
  }
}

describe('nest add', () => {
  it('imports the module, and has the app say goodbye', () => {
    const { files } = App.new().add({ via: 'dns' });
    expect(files['src/app.module.ts']).toBe(`import { Module } from '@nestjs/common';
import { AppController } from './app.controller';
import { AppService } from './app.service';
import { PeerageModule, viaDns } from 'nestjs-peerage';

@Module({
  imports: [
    PeerageModule.forRoot({
      via: viaDns({ dnsName: 'my-shop-peers' }),
      secret: process.env.CLUSTER_SECRET,
    }),
  ],
  controllers: [AppController],
  providers: [AppService],
})
export class AppModule {}
`);
    expect(files['src/main.ts']).toContain(
      '  const app = await NestFactory.create(AppModule);\n  app.enableShutdownHooks();\n',
    );
  });

  it('takes the versions that go with the NestJS of the app, and installs them', () => {
    const twelve = App.new().add({ via: 'redis' });
    const { dependencies } = JSON.parse(twelve.files['package.json']!) as { dependencies: object };
    expect(dependencies).toMatchObject({ '@nestjs/schedule': '^12.0.0', ioredis: '^5.0.0' });
    expect(twelve.tasks).toMatchObject([{ name: 'node-package', options: { packageManager: 'npm' } }]);
    const eleven = App.new({ 'pnpm-lock.yaml': '' }, '^11.0.1').add({ via: 'local' });
    expect(eleven.files['package.json']).toContain('"@nestjs/schedule": "^6.0.0"');
    expect(eleven.tasks).toMatchObject([{ options: { packageManager: 'pnpm' } }]);
  });

  it('changes nothing the second time', () => {
    const app = App.new().add({ via: 'environment', deploy: 'kubernetes' });
    const once = { ...app.files };
    expect(app.add({ via: 'dns', deploy: 'kubernetes' }).files).toEqual(once);
    expect(app.tasks).toHaveLength(1);
  });

  it('says what to do where it finds nothing to change', () => {
    const odd = App.new({ 'src/app.module.ts': 'export default {};', 'src/main.ts': 'start();' }).add();
    expect(odd.said.join('\n')).toMatch(/app\.module\.ts was not changed[^]*PeerageModule\.forRoot/);
    expect(odd.said.join('\n')).toMatch(/main\.ts was not changed[^]*enableShutdownHooks/);
    const bare = App.new().add({}, null);
    expect(bare.files['src/app.module.ts']).toBe(NEW_MODULE);
    expect(bare.said.join('\n')).toContain('PeerageModule.forRoot');
  });

  it('leaves processes of one machine to the environment where others are wanted', () => {
    const { files, said } = App.new().add({ via: 'local', deploy: 'compose' });
    expect(files['src/app.module.ts']).toContain('PEERAGE_VIA');
    expect(said.join('\n')).toContain('one machine only');
  });
});

describe('a root module', () => {
  const element = 'PeerageModule.forRoot({ via: viaLocal() })';
  const moduleOf = (metadata: string) =>
    `import { Module } from "@nestjs/common";\n@Module(${metadata})\nexport class M {}\n`;
  const edited = (metadata: string) => {
    const text = App.new({ 'src/app.module.ts': moduleOf(metadata) }).add({ via: 'local' }).files[
      'src/app.module.ts'
    ]!;
    return text.slice(text.indexOf('@Module(') + 8, text.lastIndexOf(')\nexport'));
  };

  it.each([
    ['no metadata', '{}', `{\n  imports: [\n    ${element},\n  ],\n}`],
    ['no imports', '{\n  providers: [],\n}', `{\n  imports: [\n    ${element},\n  ],\n  providers: [],\n}`],
    [
      'imports in a line',
      '{\n  imports: [A, B],\n}',
      `{\n  imports: [\n    A,\n    B,\n    ${element},\n  ],\n}`,
    ],
    [
      'imports in lines',
      '{\n  imports: [\n    A, // first\n    B\n  ],\n}',
      `{\n  imports: [\n    A, // first\n    B,\n    ${element},\n  ],\n}`,
    ],
    [
      'a comment behind them',
      '{\n  imports: [\n    A,\n    // none\n  ],\n}',
      `{\n  imports: [\n    A,\n    ${element},\n    // none\n  ],\n}`,
    ],
    [
      'imports from elsewhere',
      '{\n  imports: shared,\n}',
      `{\n  imports: [\n    ${element},\n    ...shared,\n  ],\n}`,
    ],
    [
      'imports of the same name',
      '{\n  imports,\n}',
      `{\n  imports: [\n    ${element},\n    ...imports,\n  ],\n}`,
    ],
  ])('with %s', (_what, before, after) => {
    expect(edited(before)).toBe(after);
  });

  it('keeps its quotes and the ends of its lines', () => {
    const crlf = NEW_MODULE.replaceAll("'", '"').replaceAll('\n', '\r\n');
    const text = App.new({ 'src/app.module.ts': crlf }).add().files['src/app.module.ts']!;
    expect(text).toContain('import { PeerageModule, viaLocal } from "nestjs-peerage";\r\n');
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });
});

describe('the pieces', () => {
  const documents = (text: string): any[] => text.split(/^---$/m).map((part) => parseYaml(part));

  it.each(VIAS)('for Kubernetes are whole, with %s', (via) => {
    const text = App.new().add({ via, deploy: 'kubernetes' }).files['kubernetes/peerage.yaml']!;
    const [service, deployment, ...rest] = documents(text);
    const { template, selector } = deployment.spec;
    expect(template.metadata.labels).toEqual(service.spec.selector);
    expect(selector.matchLabels).toEqual(service.spec.selector);
    expect(service.spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
    expect(rest.map(({ kind }) => kind)).toEqual(
      via === 'kubernetes' ? ['ServiceAccount', 'Role', 'RoleBinding'] : [],
    );
    expect(template.spec.serviceAccountName).toBe(via === 'kubernetes' ? 'my-shop' : undefined);
  });

  it('of the environment are variables that the module takes', () => {
    const text = App.new().add({ deploy: 'kubernetes' }).files['kubernetes/peerage.yaml']!;
    const [service, deployment] = documents(text);
    const env: { name: string; value?: string }[] = deployment.spec.template.spec.containers[0].env;
    const variables = Object.fromEntries(
      env.map(({ name, value }) => [name, value ?? '10.0.0.1 and so on, long enough']),
    );
    const options = optionsFromEnvironment(variables);
    expect(options.via).toMatchObject([{ name: `dns:${service.metadata.name}` }]);
    expect(options.secret).toBeDefined();
  });

  it('for Compose name the service that DNS is asked for', () => {
    const app = App.new().add({ via: 'dns', deploy: 'compose' });
    const compose = parseYaml(app.files['compose.peerage.yaml']!) as any;
    expect(Object.keys(compose.services)).toEqual(['my-shop']);
    expect(app.files['src/app.module.ts']).toContain("viaDns({ dnsName: 'my-shop' })");
  });
});

describe('the collection', () => {
  it('asks for what the schematic takes', () => {
    const require = createRequire(import.meta.url);
    const { properties } = require('../../../schematics/nest-add.schema.json') as {
      properties: Record<string, { enum?: string[] }>;
    };
    expect(properties['via']?.enum).toEqual(VIAS);
    expect(properties['deploy']?.enum).toEqual(['none', 'kubernetes', 'compose']);
  });
});
