import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../..', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  /** Standard output and standard error. */
  readonly output: string;
}

/** Runs a command to its end, whatever it is. */
export function attempt(command: string, args: readonly string[], cwd: string, env = {}): Outcome {
  const onWindows = process.platform === 'win32';
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: onWindows && command === 'npm',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { status, output: `${stdout}${stderr}` };
}

/** Runs a command that must succeed. */
export function run(command: string, args: readonly string[], cwd: string, env = {}): string {
  const { status, output } = attempt(command, args, cwd, env);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${output}`);
  return output;
}

export function npm(args: readonly string[], cwd: string, env = {}): string {
  return run('npm', args, cwd, env);
}

const INSTALL = ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];

/** Runs a command that must succeed, beside whatever else is under way. Returns what it printed. */
export async function runBeside(
  command: string,
  args: readonly string[],
  cwd: string,
  env = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${output}`);
  return output;
}

/** Installs packages into a folder, beside whatever else is under way. */
export async function npmInstall(packages: readonly string[], cwd: string): Promise<void> {
  await runBeside('npm', [...INSTALL, ...packages], cwd);
}

/** Runs a program of the repository's own `node_modules`. */
export function tool(file: string, args: readonly string[], cwd: string): Outcome {
  return attempt(process.execPath, [join(repository, 'node_modules', file), ...args], cwd);
}

export interface Manifest {
  readonly version: string;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly typesVersions?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

export const manifest = readManifest(repository);

const peers = Object.keys(manifest.peerDependencies ?? {});
export const optionalPeers = peers.filter((name) => manifest.peerDependenciesMeta?.[name]?.optional === true);
export const requiredPeers = peers.filter((name) => !optionalPeers.includes(name));

/** `name@version`, the version being the one that this repository is tested with. */
export function pinned(name: string): string {
  return `${name}@${readManifest(join(repository, 'node_modules', name)).version}`;
}
