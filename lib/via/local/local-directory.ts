import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { codeOf } from '../../errors/thrown.js';
import type { LocalEntry } from './local-file.js';
import { isEntryFileName, readEntry } from './local-file.js';

/** A file that its process has not refreshed for so long is swept, whoever has that process id now. */
const STALE_MS = 60_000;
const MAX_FILES = 4_096;

/** A folder of the user's own, under the system's temporary folder. */
export function defaultLocalDirectory(): string {
  const user = process.getuid?.() ?? userInfo().username.replace(/[^A-Za-z0-9_-]/g, '_');
  return join(tmpdir(), `peerage-${user}`);
}

/**
 * Makes the folder unless it is there. Anybody's names would be dialled if anybody could write to it, so it
 * must be a real folder, ours, and closed to others.
 *
 * @throws PeerageError `PROVIDER_FAILED`
 */
export async function ensureLocalDirectory(dir: string): Promise<void> {
  const stats = await makeDirectory(dir);
  const fault = faultOf(stats);
  if (fault) {
    throw new PeerageError(
      'PROVIDER_FAILED',
      `${dir} cannot be used to find other processes: ${fault}. Give viaLocal() a folder of your own.`,
    );
  }
}

/** The files in which processes wrote of themselves. */
export class LocalDirectory {
  /** Files that are named like ours and were written by others: they are read once. */
  private readonly foreign = new Set<string>();

  /** So many files are read at once. Those after them have their turn when it is known which of these are none of ours. */
  constructor(
    readonly path: string,
    readonly maxFiles = MAX_FILES,
  ) {}

  /** The files in which processes may have written of themselves. */
  async files(): Promise<string[]> {
    const present = new Set((await listFiles(this.path)).filter(isEntryFileName));
    for (const fileName of this.foreign) if (!present.delete(fileName)) this.foreign.delete(fileName);
    return [...present];
  }

  /**
   * The entries of processes that live, in the first of these files. Files of processes that are gone are removed on the
   * way; what is not ours, half written or malformed is left alone.
   */
  async liveEntries(fileNames: readonly string[], pidSpace: string): Promise<LocalEntry[]> {
    const live: LocalEntry[] = [];
    for (const fileName of fileNames.slice(0, this.maxFiles)) {
      const read = await readEntry(this.path, fileName);
      if (!read) continue;
      const { entry, refreshedAtMs } = read;
      // What is young may be being written.
      if (!entry && isOld(refreshedAtMs)) this.foreign.add(fileName);
      else if (entry && isLive(entry, refreshedAtMs, pidSpace)) live.push(entry);
      else if (entry) await unlink(join(this.path, fileName)).catch(() => {});
    }
    return live;
  }
}

async function makeDirectory(dir: string): Promise<Stats> {
  try {
    await makeFolders(dir);
    return await lstat(dir);
  } catch (error) {
    throw new PeerageError(
      'PROVIDER_FAILED',
      `Cannot make the folder ${dir} to find other processes in: ${describeError(error)}. ` +
        `Give viaLocal() a folder that this process can write to.`,
      { cause: error },
    );
  }
}

/**
 * One folder after the other: `recursive` of Node calls a file system that is read-only a folder that is not there, and
 * comes to no end where a folder that is there takes none (/proc).
 */
async function makeFolders(dir: string, isSecondTry = false): Promise<void> {
  try {
    await mkdir(dir, { mode: 0o700 });
  } catch (error) {
    if (await isFolder(dir)) return;
    const parent = dirname(dir);
    if (codeOf(error) !== 'ENOENT' || parent === dir || isSecondTry) throw error;
    // Another process may have made it just now.
    if (!(await isFolder(parent))) await makeFolders(parent);
    await makeFolders(dir, true);
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

function faultOf(stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return 'it is a symbolic link';
  if (!stats.isDirectory()) return 'it is not a folder';
  // Without user ids (Windows) the folder is as safe as the user's own temporary folder.
  if (process.getuid === undefined) return undefined;
  if (stats.uid !== process.getuid()) return 'it belongs to another user';
  if ((stats.mode & 0o077) !== 0) return 'other users have access to it (chmod 700 closes it)';
  return undefined;
}

async function listFiles(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    // Somebody removed it just now; who serves makes it anew.
    if (codeOf(error) === 'ENOENT') return [];
    throw new PeerageError('PROVIDER_FAILED', `Cannot read the folder ${dir}: ${describeError(error)}.`, {
      cause: error,
    });
  }
}

function isLive(entry: LocalEntry, refreshedAtMs: number, pidSpace: string): boolean {
  if (isOld(refreshedAtMs)) return false;
  return entry.pidSpace !== pidSpace || processExists(entry.pid);
}

function isOld(refreshedAtMs: number): boolean {
  return Math.abs(Date.now() - refreshedAtMs) >= STALE_MS;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it exists, and is somebody else's.
    return codeOf(error) === 'EPERM';
  }
}
