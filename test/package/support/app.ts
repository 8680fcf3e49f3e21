import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { attempt, npm, run, tool } from './commands.js';

/** An app of someone who installed the package. */
export class App {
  readonly folder: string;

  constructor(workshop: string, name: string) {
    this.folder = join(workshop, name);
    mkdirSync(this.folder);
    this.write('package.json', JSON.stringify({ name, private: true, type: 'module' }));
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  install(...packages: readonly string[]): void {
    const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
    npm(['install', ...flags, ...packages], this.folder);
  }

  /** Runs a module to its end and returns what it printed. */
  run(code: string, node: string = process.execPath): string {
    this.write('script.js', code);
    return run(node, ['script.js'], this.folder).trim();
  }

  /** Loads the module of that name: `loaded`, or what went wrong. */
  load(specifier: string): string {
    this.write('script.js', `await import(${JSON.stringify(specifier)}); console.log('loaded');`);
    return attempt(process.execPath, ['script.js'], this.folder).output.trim();
  }

  /** Type errors of the app and of our declarations; other packages' own errors are not ours. */
  typeErrors(compiler: 'typescript' | 'typescript-7', code: string): string[] {
    this.write('app.ts', code);
    this.write('tsconfig.json', JSON.stringify({ compilerOptions: CONSUMER, files: ['app.ts'] }));
    const { output } = tool(`${compiler}/bin/tsc`, ['-p', '.', '--pretty', 'false'], this.folder);
    return output.split(/\r?\n/).filter((line) => {
      const isForeign = line.startsWith('node_modules/') && !line.startsWith('node_modules/nestjs-peerage/');
      return /error TS\d+/.test(line) && !isForeign;
    });
  }
}

const CONSUMER = {
  target: 'ES2022',
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  types: ['node'],
  strict: true,
  skipLibCheck: false,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  noEmit: true,
};
