import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { ownScript } from '../naming/own-script.js';

/** The name of the app when nothing tells it. */
export const DEFAULT_APP_NAME = 'node';

/**
 * The name in the app's package.json: the nearest one with a name, from the main script upwards, and from
 * the working directory when the script is a tool of others (a test runner, a process manager). Apps that share one
 * are told apart by their folder: `mono-api` for `apps/api` of `mono`.
 */
export function appNameFromPackage(
  script: string | undefined = process.argv[1],
  workingDirectory: string = process.cwd(),
): string | undefined {
  const own = ownScript(script);
  return (own === undefined ? undefined : nameOfScript(own)) ?? nearestPackage(workingDirectory)?.name;
}

function nameOfScript(script: string): string | undefined {
  const nearest = nearestPackage(dirname(script));
  if (!nearest) return undefined;
  const folders = relative(nearest.directory, dirname(script)).split(sep);
  const at = folders.indexOf('apps');
  const project = at < 0 ? undefined : folders[at + 1];
  return project === undefined ? nearest.name : `${nearest.name}-${withoutScope(project)}`;
}

/** A package name as the part before the @ of a node name: `@org/shop` becomes `shop`. */
export function withoutScope(packageName: string): string {
  return packageName.replace(/^@[^/]*\//, '').replace(/[\s@\p{Cc}]+/gu, '-');
}

interface Package {
  readonly name: string;
  /** With its scope. */
  readonly fullName: string;
  readonly directory: string;
}

/** The package that a folder belongs to, past a package.json without a name. */
export function nearestPackage(directory: string): Package | undefined {
  const fullName = packageNameIn(directory);
  if (fullName) return { name: withoutScope(fullName), fullName, directory };
  const parent = dirname(directory);
  return parent === directory ? undefined : nearestPackage(parent);
}

function packageNameIn(directory: string): string | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const name = (content as { name?: unknown } | null)?.name;
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
