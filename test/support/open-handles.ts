import { setImmediate as turn } from 'node:timers/promises';

const COUNTED = /^(TCP|TLS|UDP|Pipe|Timeout|FSEvent|DNS|GetAddrInfo|Immediate)/;

/** What keeps this process alive now, by kind. */
export function openHandles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo().filter((name) => COUNTED.test(name)))
    counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Waits until no more is open than `before`; returns what is open then. Sets no timer, which would count. */
export async function handlesReleased(before: Record<string, number>): Promise<Record<string, number>> {
  const endMs = performance.now() + 5_000;
  const isMore = () => Object.entries(openHandles()).some(([kind, count]) => count > (before[kind] ?? 0));
  while (isMore() && performance.now() < endMs) await turn();
  const extra = Object.entries(openHandles()).map(
    ([kind, count]) => [kind, count - (before[kind] ?? 0)] as const,
  );
  return Object.fromEntries(extra.filter(([, count]) => count > 0));
}
