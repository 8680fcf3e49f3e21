import { AssertionError } from 'node:assert';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../errors/peerage-error.js';

/** How long the kit waits for what takes a while. Runners give a test 5 s. */
export const PATIENCE_MS = 4_000;

/** What ends when it is told to, ends within this time. */
const PROMPT_MS = 2_000;

const HANDLES = /^(TCP|TLS|UDP|Pipe|Timeout|FSEvent|StatWatcher|DNS|GetAddrInfo|HTTP)/;

/** The outcome of `work`; fails when there is none in time. */
export async function promptly<T>(work: Promise<T>, what: string, ms = PROMPT_MS): Promise<T> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      work,
      sleep(ms, undefined, { signal: timer.signal }).then(() => {
        throw new AssertionError({ message: `${what} within ${ms} ms` });
      }),
    ]);
  } finally {
    timer.abort();
  }
}

/** Tries again until `check` passes, and fails as it failed last. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    await sleep(20);
  }
}

/** What keeps the process alive now, by kind. */
export function openHandles(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo())
    if (HANDLES.test(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Waits until no more is open than before. Sets no timer, which would count. */
export async function handlesReleased(before: ReadonlyMap<string, number>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  const extra = (): string[] =>
    [...openHandles()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);
  while (extra().length > 0 && performance.now() < endMs) await turn();
  const left = extra();
  if (left.length > 0)
    throw new AssertionError({
      message: `It left open what keeps a process from ending: ${left.join(', ')}`,
    });
}

/** How `work` ended, in words. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'it ended',
    (error: unknown) => `it failed: ${describeError(error)}`,
  );
}
