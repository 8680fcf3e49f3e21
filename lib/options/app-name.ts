import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ownScript } from '../naming/own-script.js';

/** The name of the app when nothing tells it. */
export const DEFAULT_APP_NAME = 'node';

/**
 * The name in the app's package.json: the nearest one with a name, from the main script upwards, and from
 * the working directory when the script is a tool of others (a test runner, a process manager).
 */
export function appNameFromPackage(
  script: string | undefined = process.argv[1],
  workingDirectory: string = process.cwd(),
): string | undefined {
  const own = ownScript(script);
  const starts = own === undefined ? [workingDirectory] : [dirname(own), workingDirectory];
  for (const start of starts) {
    const name = nearestPackageName(start);
    if (name) return name;
  }
  return undefined;
}

/** A package name as the part before the @ of a node name: `@org/shop` becomes `shop`. */
export function withoutScope(packageName: string): string {
  return packageName.replace(/^@[^/]*\//, '').replace(/[\s@\p{Cc}]+/gu, '-');
}

function nearestPackageName(directory: string): string | undefined {
  const name = packageNameIn(directory);
  if (name) return withoutScope(name);
  const parent = dirname(directory);
  return parent === directory ? undefined : nearestPackageName(parent);
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
