/**
 * Whether a server of this process will tell its patterns: it does when it listens, and that is a moment after its node
 * does. Nest hands servers no app before, so it is one word for all apps of the process.
 */
let isExpected = false;

/** From now on nodes that start say that they may have entries. */
export function expectEntries(): void {
  isExpected = true;
}

export function areEntriesExpected(): boolean {
  return isExpected;
}
