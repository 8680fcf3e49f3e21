import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Sleeper } from '../../time/sleeper.js';
import { fileStamp, readNamesFile } from './file-reader.js';
import type { ServeContext } from '../provider.js';

/**
 * The file is looked at this often, whatever the watcher says: it does not see changes behind a link, and
 * network file systems have none.
 */
const LOOK_EVERY_MS = 2_000;

/** One run of the file provider: hands over names that appear in the file. */
export class FileSession {
  private watcher: FSWatcher | undefined;
  private watchedFolder: string | undefined;
  private readonly sleeper: Sleeper;
  private known = new Set<string>();
  private readStamp: string | undefined;

  constructor(
    private readonly path: string,
    private readonly context: ServeContext,
  ) {
    this.sleeper = new Sleeper(context.signal);
  }

  /** Never rejects: what is wrong with the file, the poll tells. */
  async run(): Promise<void> {
    const { signal } = this.context;
    try {
      while (!signal.aborted) {
        await this.watchFolder();
        this.sleeper.beginRound();
        await this.handOverNew();
        await this.sleeper.sleep(LOOK_EVERY_MS);
      }
    } finally {
      this.watcher?.close();
    }
  }

  /** Watches the folder: a file that is replaced takes its own watcher with it. A ConfigMap swaps a link there. */
  private async watchFolder(): Promise<void> {
    const folder = dirname(this.path);
    const current = await folderId(folder);
    if (this.watcher && current === this.watchedFolder) return;
    this.watcher?.close();
    this.watcher = undefined;
    this.watchedFolder = current;
    if (current === undefined || this.context.signal.aborted) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.sleeper.wake());
      watcher.on('error', () => this.unwatch(watcher));
      this.watcher = watcher;
    } catch {
      // Looking at it now and then does as well.
    }
  }

  private unwatch(watcher: FSWatcher): void {
    watcher.close();
    if (this.watcher === watcher) this.watcher = undefined;
  }

  private async handOverNew(): Promise<void> {
    const stamp = await fileStamp(this.path);
    if (stamp === undefined || stamp === this.readStamp) return;
    try {
      const names = await readNamesFile(this.path, this.context.signal);
      const news = names.filter((name) => !this.known.has(name));
      this.known = new Set(names);
      this.readStamp = stamp;
      if (news.length > 0) this.context.found(news);
    } catch {
      // The next look may see it whole.
    }
  }
}

/** Which folder it is: one that was removed and made anew needs a new watcher. */
async function folderId(folder: string): Promise<string | undefined> {
  const stats = await stat(folder).catch(() => undefined);
  return stats && `${stats.dev} ${stats.ino}`;
}
