import type { Observable } from 'rxjs';
import { PeerageError } from '../errors/peerage-error.js';
import type { Peer } from '../membership/events.js';
import type { MeshExplanation } from '../membership/explanation.js';
import { onAbort } from '../time/abortable.js';
import type { Clock } from '../time/clock.js';
import { systemClock } from '../time/clock.js';

/**
 * Bounds of `ClusterService.waitFor`.
 *
 * @publicApi
 */
export interface WaitOptions {
  /** How long to wait, in milliseconds. @default as long as it takes */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

const MAX_EXPLAINED = 5;

/** Resolves with the peers when there are `count` of them. */
export function waitForPeers(
  peers$: Observable<readonly Peer[]>,
  count: number,
  { timeoutMs, signal }: WaitOptions,
  explain: () => MeshExplanation,
  clock: Clock = systemClock,
): Promise<readonly Peer[]> {
  return new Promise((resolve, reject) => {
    let current: readonly Peer[] = [];
    const cleanups: (() => void)[] = [];
    const settle = (finish: () => void) => {
      for (const cleanup of cleanups.splice(0)) cleanup();
      finish();
    };
    const fail = (error: PeerageError) => settle(() => reject(error));
    const abort = () =>
      fail(new PeerageError('ABORTED', 'Waiting for peers was aborted.', { cause: signal?.reason }));

    if (signal?.aborted) return abort();
    const subscription = peers$.subscribe({
      next: (peers) => {
        current = peers;
        if (peers.length >= count) settle(() => resolve(peers));
      },
      complete: () => fail(new PeerageError('ABORTED', 'Waiting for peers ended: the app is shutting down.')),
    });
    cleanups.push(() => subscription.unsubscribe());
    if (current.length >= count) return subscription.unsubscribe();

    if (signal) cleanups.push(onAbort(signal, abort));
    if (timeoutMs !== undefined)
      cleanups.push(clock.after(timeoutMs, () => fail(timeout(count, timeoutMs, current, explain()))));
  });
}

function timeout(
  count: number,
  timeoutMs: number,
  peers: readonly Peer[],
  explanation: MeshExplanation,
): PeerageError {
  const seen = peers.length === 0 ? 'there is none' : `there are ${peers.map(({ name }) => name).join(', ')}`;
  const missing = explanation.names.filter(({ state }) => state !== 'peer' && state !== 'self');
  const reasons = missing.slice(0, MAX_EXPLAINED).map(({ name, summary }) => `${name}: ${summary}`);
  const why = missing.length === 0 ? 'No other name was found; check `via`.' : reasons.join(' ');
  return new PeerageError(
    'WAIT_TIMEOUT',
    `Waited ${timeoutMs} ms for ${count} ${count === 1 ? 'peer' : 'peers'}, but ${seen}. ${why}`,
  );
}
