import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalName } from '../../naming/node-name.js';
import { Sleeper } from '../../time/sleeper.js';
import { sleep } from '../../time/waiting.js';
import { ensureLocalDirectory } from './local-directory.js';
import type { LocalDirectory } from './local-directory.js';
import type { LocalEntry } from './local-file.js';
import { entryFileName, isEntryFileName, isOfCluster, ownPidSpace, writeEntry } from './local-file.js';
import type { ServeContext } from '../provider.js';

/** Our file is refreshed this often, so that others can tell it from one left behind. */
const REFRESH_EVERY_MS = 10_000;
/** Where the folder cannot be watched, it is read this often. */
const READ_EVERY_MS = 1_000;
/** One change makes several events; they are awaited together. */
const SETTLE_MS = 10;

/** One run of the local provider: keeps our file in the folder, and hands over names that appear in it. */
export class LocalSession {
  private watcher: FSWatcher | undefined;
  private refreshedAtMs = -Infinity;
  /** Files that were read. */
  private readonly known = new Set<string>();
  private readonly sleeper: Sleeper;

  constructor(
    private readonly folder: LocalDirectory,
    private readonly context: ServeContext,
  ) {
    this.sleeper = new Sleeper(context.signal);
  }

  /** @throws PeerageError `PROVIDER_FAILED` when the folder cannot be used. */
  async run(): Promise<void> {
    const { signal } = this.context;
    const pidSpace = await ownPidSpace();
    try {
      while (!signal.aborted) {
        if (performance.now() - this.refreshedAtMs >= REFRESH_EVERY_MS) await this.refresh(pidSpace);
        this.sleeper.beginRound();
        await this.handOverNew(pidSpace);
        await this.untilChange();
      }
    } finally {
      this.watcher?.close();
      await unlink(this.ownFile).catch(() => {});
    }
  }

  private get ownFile(): string {
    return join(this.folder.path, entryFileName(this.context.self.bootId));
  }

  /** Touches our file; when it is not there (any more), writes it and watches the folder anew. */
  private async refresh(pidSpace: string): Promise<void> {
    this.refreshedAtMs = performance.now();
    const now = new Date();
    const isThere = await utimes(this.ownFile, now, now).then(
      () => true,
      () => false,
    );
    if (isThere && this.watcher) return;
    await ensureLocalDirectory(this.folder.path);
    this.watchFolder();
    if (!isThere) await writeEntry(this.folder.path, this.ownEntry(pidSpace));
  }

  private ownEntry(pidSpace: string): LocalEntry {
    const { self, cluster } = this.context;
    return {
      name: self.name,
      bootId: self.bootId,
      pid: process.pid,
      pidSpace,
      startedAt: Date.now(),
      ...(cluster && { cluster: cluster.label }),
    };
  }

  private watchFolder(): void {
    this.watcher?.close();
    try {
      const watcher = watch(this.folder.path, { persistent: false }, (event, file) =>
        this.onEvent(event, file),
      );
      watcher.on('error', () => this.unwatch(watcher));
      this.watcher = watcher;
    } catch {
      this.watcher = undefined;
    }
  }

  private unwatch(watcher: FSWatcher): void {
    watcher.close();
    if (this.watcher === watcher) this.watcher = undefined;
    this.sleeper.wake();
  }

  private onEvent(event: string, fileName: string | null): void {
    // Files come and go by rename; a change is somebody's refresh.
    if (event !== 'rename' || (fileName !== null && !isEntryFileName(fileName))) return;
    // Ours came, or went with the folder: a look will tell.
    if (fileName === null || fileName === entryFileName(this.context.self.bootId))
      this.refreshedAtMs = -Infinity;
    this.sleeper.wake();
  }

  /** Reads only files that were not read before: when many processes start, each makes all others look. */
  private async handOverNew(pidSpace: string): Promise<void> {
    const present = new Set(await this.folder.files());
    for (const fileName of this.known) if (!present.has(fileName)) this.known.delete(fileName);
    const unread = [...present].filter((fileName) => !this.known.has(fileName));
    if (unread.length > this.folder.maxFiles) this.context.warn?.(this.crowded());
    const entries = await this.folder.liveEntries(unread, pidSpace);
    for (const { bootId } of entries) this.known.add(entryFileName(bootId));
    const ownName = canonicalName(this.context.self.name);
    const others = entries.filter(
      (entry) => entry.name !== ownName && isOfCluster(entry, this.context.cluster),
    );
    const names = others.map(({ name }) => name);
    if (names.length > 0) this.context.found(names);
  }

  private crowded(): string {
    const { path, maxFiles } = this.folder;
    return (
      `The folder ${path} has more than ${maxFiles} files that are named like those of nodes, so it takes some ` +
      'polls to find the nodes among them. Empty it, or give viaLocal() a folder of its own.'
    );
  }

  private async untilChange(): Promise<void> {
    const untilRefreshMs = this.refreshedAtMs + REFRESH_EVERY_MS - performance.now();
    const waitMs = this.watcher ? untilRefreshMs : Math.min(untilRefreshMs, READ_EVERY_MS);
    const isChange = await this.sleeper.sleep(Math.max(0, waitMs));
    if (isChange) await sleep(SETTLE_MS, this.context.signal);
  }
}
