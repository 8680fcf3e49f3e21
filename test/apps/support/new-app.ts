import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runBeside } from '../../package/support/commands.js';
import { type Modules, generated } from './generated-app.js';
import { type Sets, UNUSED } from './sets.js';

/** What nobody has who has not added us yet. */
const OURS = ['nestjs-peerage', '.bin/nestjs-peerage', '@nestjs/schedule'];

/**
 * An app as `nest new` writes and installs it, with packages of its own and without linters and formatters. Each file of
 * a package is the one of the set until npm writes another one.
 */
export class NewApp {
  readonly folder: string;

  constructor(
    sets: Sets,
    name: string,
    { nest, modules }: { readonly nest: 11 | 12; readonly modules: Modules },
  ) {
    const set = nest === 11 ? sets.nest11 : sets.nest12;
    this.folder = join(set, 'apps', name);
    cpSync(generated(set, modules), this.folder, { recursive: true });
    run('cp', ['-al', join(set, 'node_modules'), this.folder], set);
    for (const each of [...OURS, '.package-lock.json'])
      rmSync(this.path(join('node_modules', each)), { recursive: true, force: true });
    const { devDependencies, ...manifest } = JSON.parse(readFileSync(this.path('package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const used = Object.entries(devDependencies).filter(([dependency]) => !UNUSED.test(dependency));
    const text = JSON.stringify({ ...manifest, devDependencies: Object.fromEntries(used) }, null, 2);
    writeFileSync(this.path('package.json'), text);
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  /** Runs the Nest CLI of the app. Returns what it printed. */
  nest(
    command: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const nest = this.path('node_modules/@nestjs/cli/bin/nest.js');
    return runBeside(process.execPath, [nest, command, ...args], this.folder, env);
  }
}
