import { BehaviorSubject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { waitForPeers } from '../../../lib/cluster/wait-for-peers.js';
import type { WaitOptions } from '../../../lib/cluster/wait-for-peers.js';
import type { Peer } from '../../../lib/membership/events.js';
import { thrownBy } from '../../support/errors.js';
import type { MeshExplanation, NameExplanation } from '../../../lib/membership/explanation.js';

const peer = (name: string) => ({ name }) as Peer;

describe('waiting for peers', () => {
  let peers$: BehaviorSubject<readonly Peer[]>;
  let explained: Pick<NameExplanation, 'name' | 'state' | 'summary'>[] = [];
  const wait = (count: number, options: WaitOptions = {}) =>
    waitForPeers(peers$, count, options, () => ({ names: explained }) as unknown as MeshExplanation);

  beforeEach(() => {
    vi.useFakeTimers();
    peers$ = new BehaviorSubject<readonly Peer[]>([]);
    explained = [];
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    expect(peers$.observed).toBe(false);
    vi.useRealTimers();
  });

  it('ends at once when there are enough', async () => {
    await expect(wait(0, { timeoutMs: 5 })).resolves.toEqual([]);
    peers$.next([peer('a@h'), peer('b@h')]);
    await expect(wait(1)).resolves.toHaveLength(2);
  });

  it('ends when there are enough', async () => {
    const waiting = wait(2, { timeoutMs: 1_000, signal: new AbortController().signal });
    peers$.next([peer('a@h')]);
    peers$.next([peer('a@h'), peer('b@h')]);
    await expect(waiting).resolves.toHaveLength(2);
  });

  it('ends in time, and says who is there, who is not, and why', async () => {
    explained = [
      { name: 'a@h', state: 'peer', summary: 'It is a peer.' },
      { name: 'me@h', state: 'self', summary: 'It is this node.' },
      { name: 'b@h', state: 'waiting', summary: 'It refused the connection.' },
    ];
    peers$.next([peer('a@h')]);
    const failure = thrownBy(() => wait(2, { timeoutMs: 1_000 }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await failure).toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: 'Waited 1000 ms for 2 peers, but there are a@h. b@h: It refused the connection.',
    });
  });

  it('says that nothing was found', async () => {
    const failure = thrownBy(() => wait(1, { timeoutMs: 1 }));
    await vi.advanceTimersByTimeAsync(1);
    expect((await failure).message).toBe(
      'Waited 1 ms for 1 peer, but there is none. No other name was found; check `via`.',
    );
  });

  it('ends with its signal, also one that aborted before', async () => {
    const aborter = new AbortController();
    const waiting = wait(1, { signal: aborter.signal, timeoutMs: 1_000 });
    const reason = new Error('enough');
    aborter.abort(reason);
    await expect(waiting).rejects.toMatchObject({ code: 'ABORTED', cause: reason });
    await expect(wait(0, { signal: aborter.signal })).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('ends with the app', async () => {
    const waiting = wait(1, { timeoutMs: 1_000 });
    peers$.complete();
    await expect(waiting).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('shutting'),
    });
    await expect(wait(1)).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
