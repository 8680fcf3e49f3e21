/** All copies of this package share this, and nothing else. */
const LOCATIONS = Symbol.for('nestjs-peerage.locations');

const shared = globalThis as { [LOCATIONS]?: Set<string> };

/** Where the copies of this package lie that were loaded. One that is loaded again counts once. */
export const locations: ReadonlySet<string> = (shared[LOCATIONS] ??= new Set()).add(locationOf(new Error()));

/** What to do about several copies; undefined when there is one. */
export function warningOfCopies(loaded: ReadonlySet<string> = locations): string | undefined {
  if (loaded.size < 2) return undefined;
  const places = Array.from(loaded, (place) => `\n  - ${place}`).join('');
  return (
    `${loaded.size} copies of nestjs-peerage are loaded, and the ClusterService of one is unknown to the others: an app ` +
    'must get PeerageModule, ClusterService and all else from one. Install one version (npm ls nestjs-peerage, npm ' +
    `dedupe), and put it into a bundle either everywhere or nowhere.${places}`
  );
}

/** The file of this module, by a stack: import.meta is not there in CommonJS, nor __filename in ES modules. */
export function locationOf({ stack = '' }: Error): string {
  const frame = stack.split('\n').find((line) => /^\s*at /.test(line)) ?? '';
  const place = /(?:\(|at (?:async )?)([^()]+?)(?:\?[^/]*)?:\d+:\d+\)?$/.exec(frame)?.[1] ?? 'unknown';
  return place.replace(/^file:\/\//, '').replace(/[/\\]cluster[/\\]loaded-copies\.[jt]s$/, '');
}
