import { constants } from 'node:fs';
import { open, readlink, rename, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { platform } from 'node:process';
import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { nameOrUndefined } from '../../naming/node-name.js';
import type { ClusterLabel } from '../provider.js';

/** What a node writes of itself for the other processes of its host. */
export interface LocalEntry {
  readonly name: string;
  readonly bootId: string;
  readonly pid: number;
  /** Whose process ids `pid` is one of: containers that share a folder do not share those. */
  readonly pidSpace: string;
  /** Wall clock, milliseconds. */
  readonly startedAt: number;
  /** The label of its cluster. Older versions did not say. */
  readonly cluster?: string;
}

const FILE_NAME = /^([0-9a-f]{32})\.json$/;
const MAX_FILE_BYTES = 4_096;
// A link is not followed, and a pipe in the way does not block a thread. Windows has neither flag.
const SAFE_READ = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export function entryFileName(bootId: string): string {
  return `${bootId}.json`;
}

export function isEntryFileName(fileName: string): boolean {
  return FILE_NAME.test(fileName);
}

/**
 * Writes whole or not at all: readers never see half a file.
 *
 * @throws PeerageError `PROVIDER_FAILED`
 */
export async function writeEntry(dir: string, entry: LocalEntry): Promise<void> {
  const temporary = join(dir, `.${entry.bootId}.tmp`);
  try {
    await writeFile(temporary, JSON.stringify(entry), { mode: 0o600 });
    await rename(temporary, join(dir, entryFileName(entry.bootId)));
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw new PeerageError(
      'PROVIDER_FAILED',
      `Cannot write to the folder ${dir}: ${describeError(error)}. Other processes do not find this one.`,
      { cause: error },
    );
  }
}

/** The entry in a file, if it is one, and when it was last refreshed. Undefined when it cannot be read. */
export async function readEntry(
  dir: string,
  fileName: string,
): Promise<{ entry: LocalEntry | undefined; refreshedAtMs: number } | undefined> {
  const bootId = FILE_NAME.exec(fileName)?.[1];
  if (bootId === undefined) return undefined;
  const file = await open(join(dir, fileName), SAFE_READ).catch(() => undefined);
  if (!file) return undefined;
  try {
    const stats = await file.stat();
    const refreshedAtMs = stats.mtimeMs;
    if (!stats.isFile() || stats.size > MAX_FILE_BYTES) return { entry: undefined, refreshedAtMs };
    const entry = parseEntry(await file.readFile('utf8'));
    return { entry: entry?.bootId === bootId ? entry : undefined, refreshedAtMs };
  } catch {
    return undefined;
  } finally {
    await file.close();
  }
}

/** Reads what `writeEntry` wrote; undefined for anything else. */
export function parseEntry(text: string): LocalEntry | undefined {
  const { name, bootId, pid, pidSpace, startedAt, cluster } = parseObject(text);
  const canonical = nameOrUndefined(name);
  if (canonical === undefined || typeof bootId !== 'string' || !isEntryFileName(entryFileName(bootId))) {
    return undefined;
  }
  if (!isPid(pid) || typeof pidSpace !== 'string' || typeof startedAt !== 'number') return undefined;
  return {
    name: canonical,
    bootId,
    pid,
    pidSpace,
    startedAt,
    ...(typeof cluster === 'string' && { cluster }),
  };
}

/** Whether a node may become a peer. One that does not say its cluster may. */
export function isOfCluster({ cluster }: LocalEntry, own: ClusterLabel | undefined): boolean {
  return cluster === undefined || own === undefined || cluster === own.label;
}

/** Says in whose numbering this process has its id. */
export async function ownPidSpace(): Promise<string> {
  const namespace = platform === 'linux' ? await readlink('/proc/self/ns/pid').catch(() => '') : '';
  return `${hostname()} ${namespace}`.trim();
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isPid(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
