import { underDeadline, orAborted } from '../../time/abortable.js';
import { sleep } from '../../time/waiting.js';
import { ANSWER_MS, KEEPALIVE_MS } from './registry.js';

/**
 * Asks a connection that only listens, again and again, whether it is alive. Resolves when the signal aborts.
 *
 * @throws Error when there is no answer: nobody would tell us that the connection is dead.
 */
export async function keepAlive(ping: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (;;) {
    await sleep(KEEPALIVE_MS, signal);
    if (signal.aborted) return;
    await underDeadline(ANSWER_MS, signal, (deadline) =>
      orAborted(ping(), deadline, () => new Error('the connection that listens gives no answer any more')),
    );
  }
}
