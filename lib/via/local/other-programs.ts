import { parse, join } from 'node:path';
import { ownScript } from '../../naming/own-script.js';
import type { ClusterLabel, ServeContext } from '../provider.js';
import type { LocalEntry } from './local-file.js';

/** Of a longer path the end is told. */
const MAX_PATH = 500;
/** Of more programs nothing is said. */
const MAX_TOLD = 16;

/** Where this program is: its main script, without `.js`, which may be left out when it is started. */
export function programPath(
  script: string | undefined = ownScript(),
  workingDirectory: string = process.cwd(),
): string {
  if (script === undefined) return workingDirectory.slice(-MAX_PATH);
  const { dir, name, ext, base } = parse(script);
  return join(dir, /^\.[cm]?[jt]s$/.test(ext) ? name : base).slice(-MAX_PATH);
}

/** Whether a node may become a peer. One that does not say its cluster may. */
export function isOfCluster({ cluster }: LocalEntry, own: ClusterLabel | undefined): boolean {
  return cluster === undefined || own === undefined || cluster === own.label;
}

/** Says once of each other program that it is in the same cluster by a name that nobody chose. */
export class OtherPrograms {
  private readonly told = new Set<string>();

  constructor(private readonly own: string = programPath()) {}

  look({ program, pid }: LocalEntry, { cluster, warn }: Pick<ServeContext, 'cluster' | 'warn'>): void {
    if (!cluster?.isDerived || program === undefined || program === this.own) return;
    if (this.told.has(program) || this.told.size >= MAX_TOLD) return;
    this.told.add(program);
    warn?.(
      `another program, ${JSON.stringify(program)} (process ${pid}), is in the cluster ` +
        `${JSON.stringify(cluster.label)} too, which has its name from package.json. If it is another app, ` +
        'give each a name of its own: appName in PeerageModule.forRoot(), or PEERAGE_APP_NAME.',
    );
  }
}
