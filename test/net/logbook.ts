import { Logbook } from './logbook/logbook.js';
import { TROUBLES } from './logbook/troubles.js';

/**
 * Five processes on hosts of their own go through an hour of troubles, and everything that they log at the level of a new
 * app is written down, trouble by trouble, for a person to read:
 *
 *   npm run build && npm run build:programs
 *   node test/support/run-ts.mjs test/net/logbook.ts build/logbook
 *
 * Words after the folder choose the troubles whose titles have them. `all.log` has what was said in the order of the
 * troubles, `HOST.log` is what one host said, and `lines.txt` is how many lines of which kind that came to: what is said
 * too often stands first.
 */
export async function main([folder = 'build/logbook', ...only]: readonly string[]): Promise<void> {
  const book = new Logbook(folder);
  // What ends at exit, processes and namespaces, ends then too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  try {
    await book.start();
    for (const [title, trouble] of Object.entries(TROUBLES)) {
      if (only.length > 0 && !only.some((word) => title.includes(word))) continue;
      await book.chapter(title, trouble);
    }
  } finally {
    await book.end();
  }
}
