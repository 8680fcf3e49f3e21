import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { npm, run } from '../../package/support/commands.js';
import type { Sets } from './sets.js';

export type Modules = 'cjs' | 'esm';
export type Builder = 'tsc' | 'swc' | 'webpack' | 'rspack';

export interface AppShape {
  readonly nest: 11 | 12;
  readonly modules: Modules;
  /** @default 'express', as generated */
  readonly platform?: 'express' | 'fastify';
  /** @default the set of its version */
  readonly set?: string;
}

const OUR_MODULE = readFileSync(new URL('../files/cluster.module.ts', import.meta.url), 'utf8');

/** A NestJS app as `nest new` writes it, with our module in it. */
export class GeneratedApp {
  readonly folder: string;
  /** Where its packages are. */
  readonly set: string;

  constructor(
    sets: Sets,
    name: string,
    private readonly shape: AppShape,
  ) {
    const home = shape.nest === 11 ? sets.nest11 : sets.nest12;
    this.set = shape.set ?? home;
    this.folder = join(this.set, 'apps', name);
    cpSync(generated(home, shape.modules), this.folder, { recursive: true });
    // Tools look for packages in the working directory, too.
    symlinkSync(join(this.set, 'node_modules'), join(this.folder, 'node_modules'), 'junction');
    this.addCluster();
    this.listenGracefully();
  }

  /** The started file of a build. */
  get main(): string {
    return join(this.folder, 'dist', 'main.js');
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }

  /** Runs `nest build`. */
  build(builder: Builder, ...options: readonly string[]): void {
    const nest = join(this.set, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
    run(process.execPath, [nest, 'build', '--builder', builder, ...options], this.folder);
  }

  /** Runs a test script of its package.json, as it was generated. Returns what it printed; throws when it fails. */
  test(script: 'test' | 'test:e2e', node: string = process.execPath): string {
    const PATH = [dirname(node), process.env.PATH].join(delimiter);
    return npm(['run', script], this.folder, { PATH, NO_COLOR: '1', FORCE_COLOR: undefined });
  }

  /** Runs a program of a package, with the packages of the app. */
  node(file: string, ...args: readonly string[]): string {
    return run(process.execPath, [file, ...args], this.folder);
  }

  /** The specifier of a file of the app. */
  relative(file: string): string {
    return `./${file}${this.shape.modules === 'esm' ? '.js' : ''}`;
  }

  private addCluster(): void {
    this.write('src/cluster.module.ts', OUR_MODULE);
    const statement = `import { ClusterModule } from '${this.relative('cluster.module')}';\n`;
    this.edit('src/app.module.ts', /^/, statement);
    this.edit('src/app.module.ts', /imports: \[/, '$&ClusterModule');
  }

  private listenGracefully(): void {
    this.edit('src/main.ts', / *await app\.listen\(/, '  app.enableShutdownHooks();\n$&');
    if (this.shape.platform !== 'fastify') return;
    const statement = `import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';\n`;
    this.edit('src/main.ts', /^/, statement);
    this.edit(
      'src/main.ts',
      /NestFactory\.create\(AppModule\)/,
      'NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter())',
    );
  }

  private edit(file: string, pattern: RegExp, replacement: string): void {
    const text = readFileSync(this.path(file), 'utf8');
    if (!pattern.test(text)) throw new Error(`${file} has no ${pattern}:\n${text}`);
    this.write(file, text.replace(pattern, replacement));
  }
}

/** Where the app lies that the generator of a set wrote. */
export function generated(set: string, modules: Modules): string {
  return join(set, 'generated', modules);
}

/** Has the schematics of the set write an app, as `nest new` does. Those of NestJS 11 know CommonJS only. */
export function generate(set: string, modules: Modules, takesType: boolean): void {
  const folder = join(set, 'generated');
  mkdirSync(folder, { recursive: true });
  const type = takesType ? [`--type=${modules}`] : [];
  const schematics = join(set, 'node_modules', '@angular-devkit', 'schematics-cli', 'bin', 'schematics.js');
  const options = ['--name=door', `--directory=${modules}`, '--language=ts', '--strict', ...type];
  run(process.execPath, [schematics, '@nestjs/schematics:application', ...options], folder);
}
