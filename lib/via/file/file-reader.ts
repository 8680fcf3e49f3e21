import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, PeerageError } from '../../errors/peerage-error.js';
import { parseNames } from './file-names.js';

const MAX_FILE_BYTES = 4 * 1024 * 1024;
/** A file that changed so recently may still be being written. */
const SETTLE_MS = 50;
const SETTLE_TRIES = 10;

/**
 * The names in a file, once nobody writes to it.
 *
 * @throws PeerageError `PROVIDER_FAILED` when it cannot be read, or holds something else; `ABORTED`.
 */
export async function readNamesFile(path: string, signal: AbortSignal): Promise<string[]> {
  try {
    return parseNames(await readSettled(path, signal));
  } catch (error) {
    if (signal.aborted) {
      throw new PeerageError('ABORTED', `Reading ${path} was given up.`, { cause: error });
    }
    throw new PeerageError(
      'PROVIDER_FAILED',
      `Cannot read names from the file ${path}: ${describeError(error).replace(/\.$/, '')}. Names found before stay known.`,
      { cause: error },
    );
  }
}

/** Which version of a file it is; undefined when there is none. Links are followed. */
export async function fileStamp(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  return stats && stampOf(stats);
}

async function readSettled(path: string, signal: AbortSignal): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const { text, stamp, ageMs } = await readOnce(path);
    const isSettled = (await fileStamp(path)) === stamp && ageMs >= SETTLE_MS;
    if (isSettled || tries >= SETTLE_TRIES) return text;
    await sleep(SETTLE_MS, undefined, { signal });
  }
}

async function readOnce(path: string): Promise<{ text: string; stamp: string; ageMs: number }> {
  const kind = await stat(path);
  // A pipe would be waited for.
  if (!kind.isFile()) throw new Error('it is no file.');
  if (kind.size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes.`);
  const file = await open(path);
  try {
    const stats = await file.stat();
    const text = await file.readFile('utf8');
    // A clock that was set back must not keep it young.
    return { text, stamp: stampOf(stats), ageMs: Math.abs(Date.now() - stats.mtimeMs) };
  } finally {
    await file.close();
  }
}

function stampOf({ dev, ino, size, mtimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs].join();
}
