import type { Rule, SchematicContext, Tree } from './devkit.js';
import { addShutdownHooks, addToModule, compilerOf } from './edit-source.js';
import { composePieces, kubernetesPieces } from './pieces.js';
import { codeOf } from './vias.js';
import type { DeployChoice, ModuleCode, NestAddOptions, ViaChoice } from './vias.js';

interface Manifest {
  name?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

/** `nest add nestjs-peerage`: makes an app a node. What is there already is left as it is. */
export function nestAdd(options: NestAddOptions, compiler: unknown = compilerOf(process.cwd())): Rule {
  return (tree, context) => {
    const { sourceRoot = 'src', deploy = 'none', skipInstall = false } = options;
    const via = viaFor(options.via ?? 'environment', deploy, context);
    const manifest = readManifest(tree);
    const app = labelOf(manifest.name);
    const code = codeOf(via, deploy === 'compose' ? app : `${app}-peers`);
    editModule(tree, context, sourceRoot, code, compiler);
    editMain(tree, context, sourceRoot, compiler);
    if (deploy === 'kubernetes') write(tree, context, 'kubernetes/peerage.yaml', kubernetesPieces(via, app));
    if (deploy === 'compose') write(tree, context, 'compose.peerage.yaml', composePieces(via, app));
    if (!skipInstall) addPackages(tree, context, manifest, code);
    context.logger.info(
      'Two copies of the app show it: they log peer.up. Next: https://www.npmjs.com/package/nestjs-peerage',
    );
  };
}

function viaFor(via: ViaChoice, deploy: DeployChoice, { logger }: SchematicContext): ViaChoice {
  if (via !== 'local' || deploy === 'none') return via;
  logger.warn('viaLocal() finds processes of one machine only, so PEERAGE_VIA decides where others run.');
  return 'environment';
}

function editModule(
  tree: Tree,
  { logger }: SchematicContext,
  sourceRoot: string,
  code: ModuleCode,
  compiler: unknown,
): void {
  const path = sourceFile(tree, sourceRoot, 'app.module');
  const text = path === undefined ? undefined : tree.readText(path);
  if (text?.includes('PeerageModule')) return logger.info(`${path} has PeerageModule already.`);
  const edited = text === undefined || !compiler ? undefined : addToModule(text, code, compiler);
  if (edited === undefined)
    return logger.warn(
      `${path ?? `${sourceRoot}/app.module.ts`} was not changed: put this among the imports of your root module:\n${code.element}`,
    );
  tree.overwrite(path!, edited);
}

function editMain(tree: Tree, { logger }: SchematicContext, sourceRoot: string, compiler: unknown): void {
  const path = sourceFile(tree, sourceRoot, 'main');
  const text = path === undefined ? undefined : tree.readText(path);
  if (text?.includes('enableShutdownHooks')) return;
  const edited = text === undefined || !compiler ? undefined : addShutdownHooks(text, compiler);
  if (edited === undefined)
    return logger.warn(
      `${path ?? `${sourceRoot}/main.ts`} was not changed: call app.enableShutdownHooks() after creating the app, so that a node that is told to end says goodbye.`,
    );
  tree.overwrite(path!, edited);
}

function sourceFile(tree: Tree, sourceRoot: string, name: string): string | undefined {
  return ['ts', 'js', 'mts']
    .map((ending) => `${sourceRoot}/${name}.${ending}`)
    .find((path) => tree.exists(path));
}

function write(tree: Tree, { logger }: SchematicContext, path: string, text: string): void {
  if (tree.exists(path)) return logger.info(`${path} is there already and stays as it is.`);
  tree.create(path, text);
}

/** What the module needs beside itself, in versions that go with the app's NestJS. */
function addPackages(tree: Tree, context: SchematicContext, manifest: Manifest, { needs }: ModuleCode): void {
  const core = manifest.dependencies?.['@nestjs/core'] ?? '';
  const isEleven = /^\D*11\b/.test(core);
  const wanted: [string, string][] = [['@nestjs/schedule', isEleven ? '^6.0.0' : '^12.0.0']];
  if (needs) wanted.push([...needs]);
  const missing = wanted.filter(
    ([name]) => !(name in { ...manifest.dependencies, ...manifest.devDependencies }),
  );
  if (missing.length === 0) return;
  const dependencies = Object.entries({ ...manifest.dependencies, ...Object.fromEntries(missing) });
  const sorted = Object.fromEntries(dependencies.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  tree.overwrite('package.json', `${JSON.stringify({ ...manifest, dependencies: sorted }, null, 2)}\n`);
  context.addTask({
    toConfiguration: () => ({
      name: 'node-package',
      options: { command: 'install', quiet: true, workingDirectory: '.', packageManager: managerOf(tree) },
    }),
  });
}

function readManifest(tree: Tree): Manifest {
  return tree.exists('package.json') ? (JSON.parse(tree.readText('package.json')) as Manifest) : {};
}

function managerOf(tree: Tree): string {
  if (tree.exists('pnpm-lock.yaml')) return 'pnpm';
  if (tree.exists('yarn.lock')) return 'yarn';
  return tree.exists('bun.lock') || tree.exists('bun.lockb') ? 'bun' : 'npm';
}

/** The name of the app as Kubernetes and DNS take it. */
function labelOf(name = 'app'): string {
  const label = name
    .replace(/^@[^/]*\//, '')
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 50);
  return /^[a-z]/.test(label) ? label : `app-${label}`.replace(/-$/, '');
}
