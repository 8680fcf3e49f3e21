import { resolve, sep } from 'node:path';

/** The main script of the app; undefined when it is a tool of others (a test runner, a process manager). */
export function ownScript(script: string | undefined = process.argv[1]): string | undefined {
  const isOurs = script !== undefined && script !== '' && !script.includes(`${sep}node_modules${sep}`);
  return isOurs ? resolve(script) : undefined;
}
