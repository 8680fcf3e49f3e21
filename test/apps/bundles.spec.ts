import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { GeneratedApp } from './support/generated-app.js';
import { expectCluster, providersOf } from './support/replicas.js';

const sets = inject('sets');
const tool = (file: string) => join(sets.tools, 'node_modules', file);

/** What Nest looks for at run time and an app need not have. */
const OPTIONAL = [
  '@nestjs/microservices',
  '@nestjs/microservices/microservices-module',
  '@nestjs/websockets/socket-module',
  'class-transformer',
  'class-transformer/storage',
  'class-validator',
  'file-type',
];

/** Everything is in the bundle. */
const SERVERLESS = 'module.exports = (options) => ({ ...options, externals: [] });';

const RSPACK = `
const { rspack } = require('@rspack/core');
const jsc = {
  parser: { syntax: 'typescript', decorators: true },
  transform: { legacyDecorator: true, decoratorMetadata: true },
  target: 'es2022',
};
rspack(
  {
    mode: 'production',
    target: 'node',
    entry: './src/main.ts',
    output: { path: __dirname + '/dist', filename: 'main.js' },
    resolve: { extensions: ['.ts', '.js'] },
    module: { rules: [{ test: /\\.ts$/, loader: 'builtin:swc-loader', options: { jsc } }] },
    plugins: [
      new rspack.IgnorePlugin({ checkResource: (name) => ${JSON.stringify(OPTIONAL)}.includes(name) }),
    ],
  },
  (error, stats) => {
    if (error || stats.hasErrors()) {
      console.error(error ?? stats.toString({ preset: 'errors-only' }));
      process.exitCode = 1;
    }
  },
);
`;

/** Each makes one file of an app, and says which. */
const BUNDLERS: Readonly<Record<string, (app: GeneratedApp) => string>> = {
  'nest build --webpack, for serverless': (app) => {
    app.write('webpack.config.js', SERVERLESS);
    app.build('webpack', '--webpackPath', 'webpack.config.js');
    return app.main;
  },
  rspack: (app) => {
    app.write('rspack.js', RSPACK);
    app.node('rspack.js');
    return app.main;
  },
  'tsc and esbuild, minified': (app) => {
    app.build('tsc');
    const options = ['--bundle', '--minify', '--platform=node', '--outfile=bundle/main.js'];
    const left = OPTIONAL.map((name) => `--external:${name}`);
    app.node(tool('esbuild/bin/esbuild'), 'dist/main.js', ...options, ...left);
    return app.path('bundle/main.js');
  },
  'swc and ncc': (app) => {
    app.build('swc');
    const options = ['--out', 'bundle', '--no-cache'];
    app.node(tool('@vercel/ncc/dist/ncc/cli.js'), 'build', 'dist/main.js', ...options);
    return app.path('bundle/index.js');
  },
};

/** A copy of the bundle where there is no package but those in this folder. */
function moved(main: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const target = join(folder, 'main.js');
  copyFileSync(main, target);
  return target;
}

describe.each(Object.keys(BUNDLERS).map((name, at) => ({ name, at })))(
  'an app in one file, by $name',
  ({ name, at }) => {
    let bundle: string;
    beforeAll(() => {
      const app = new GeneratedApp(sets, `bundle-${at}`, { nest: 11, modules: 'cjs' });
      bundle = BUNDLERS[name]!(app);
    });

    it('runs where no package is installed', async () => {
      await expectCluster(moved(bundle, join(inject('workshop'), `bundle ${at}`)));
    });

    it('says what to install for a provider whose package is not there', async () => {
      const main = moved(bundle, join(inject('workshop'), `bundle ${at}`));
      expect(await providersOf(main, 'redis://127.0.0.1:9,postgres://a@127.0.0.1:9/db')).toEqual([
        expect.stringMatching(/^redis: .*npm install ioredis/),
        expect.stringMatching(/^postgres: .*npm install pg/),
      ]);
    });

    it('takes redis where ioredis is not there', async () => {
      const main = moved(bundle, join(dirname(sets.redis), 'redis', `bundle-${at}`));
      expect(await providersOf(main, 'redis://127.0.0.1:9')).toEqual([
        expect.stringMatching(/^redis: (?!.*npm install).*127\.0\.0\.1:9/),
      ]);
    });
  },
);
