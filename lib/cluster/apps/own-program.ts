import { hostname } from 'node:os';
import { dirname, join, parse, relative } from 'node:path';
import { ownScript } from '../../naming/own-script.js';
import { nearestPackage } from '../../settings/app-name.js';
import type { AppFacts } from './app-facts.js';

/** Which program this process runs: its main script without `.js`, which may be left out when it is started. */
export function ownProgram(
  script: string | undefined = ownScript(),
  workingDirectory: string = process.cwd(),
): Pick<AppFacts, 'package' | 'script' | 'path' | 'machine'> {
  const path = script === undefined ? workingDirectory : withoutEnding(script);
  const found = nearestPackage(script === undefined ? workingDirectory : dirname(script));
  return {
    ...(found && { package: found.fullName }),
    script: found ? relative(found.directory, path) : parse(path).base,
    path,
    machine: hostname(),
  };
}

function withoutEnding(script: string): string {
  const { dir, name, ext, base } = parse(script);
  return join(dir, /^\.[cm]?[jt]s$/.test(ext) ? name : base);
}
