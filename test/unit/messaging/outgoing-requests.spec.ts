import { beforeEach, describe, expect, it } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { KEEP_ALIVE_MS, OutgoingRequests } from '../../../lib/messaging/outgoing-requests.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import { deferred } from '../../support/recorder.js';
import { VirtualClock } from '../../support/virtual-clock.js';

let clock: VirtualClock;
let requests: OutgoingRequests;
let posted: { readonly to: string; readonly kind: number; readonly body: readonly unknown[] }[];
/** Undefined: an older connection is still read. */
let waiting: readonly number[] | undefined;

beforeEach(() => {
  clock = new VirtualClock();
  posted = [];
  waiting = [];
  const self = { name: 'me@h', bootId: 'me', host: 'h', port: 1, meta: {} };
  const post = (to: string, kind: number, body: readonly unknown[]): 'queued' => {
    posted.push({ to, kind, body });
    return 'queued';
  };
  requests = new OutgoingRequests({ self, post, waitingRequests: () => waiting }, clock);
});

const sentOf = (kind: number) => posted.filter((frame) => frame.kind === kind).map(({ body }) => body);

/** A request without a time limit. */
function ask(hand: () => Promise<void> = async () => {}, to = 'b') {
  const got: unknown[] = [];
  let id = 0;
  const cancel = requests.open(
    to,
    'orders.get',
    {
      next: (value) => got.push(value),
      end: (value) => got.push(value, 'end'),
      fail: (error, isUntouched) => got.push((error as PeerageError).code, isUntouched),
    },
    (number) => {
      id = number;
      return hand();
    },
  );
  return { id, got, cancel };
}

const gone = () => new PeerageError('PEER_GONE', 'b went down');
const settle = () => clock.advanceAsync(0);

describe('a request without a time limit', () => {
  it('gets the parts of its answer, and nothing of another node or after its end', () => {
    const { id, got } = ask();
    requests.next('c', [id, 1, 'a lie']);
    requests.next('b', [id, 1, 'one']);
    requests.end('b', [id, 'two', 2]);
    requests.next('b', [id, 3, 'late']);
    requests.end('b', [id, 'late']);
    expect(got).toEqual(['one', 'two', 'end']);
    expect(requests.size).toBe(0);
  });

  it.each([
    ['a part', () => requests.next('b', [1, 3, 'three'])],
    ['the last part', () => requests.end('b', [1, 'three', 3])],
  ])('fails when what comes before %s was lost, and wants no more', (_what, arrive) => {
    const { got } = ask();
    requests.next('b', [1, 1, 'one']);
    arrive();
    expect(got).toEqual(['one', 'CONNECTION_LOST', false]);
    expect(sentOf(FrameKind.cancel)).toEqual([[1]]);
  });

  it('takes a failure, and an answer in place of parts, at any time', () => {
    const [one, two] = [ask(), ask()];
    requests.next('b', [one.id, 1, 'part']);
    requests.end('b', [one.id, 'instead']);
    requests.fail('b', two.id, new PeerageError('NO_HANDLER', 'none'), true);
    expect([one.got, two.got]).toEqual([
      ['part', 'instead', 'end'],
      ['NO_HANDLER', true],
    ]);
  });

  it('is cancelled once', () => {
    const { id, got, cancel } = ask();
    cancel();
    cancel();
    expect([sentOf(FrameKind.cancel), got]).toEqual([[[id]], []]);
  });

  it.each(['PEER_GONE', 'NO_SUCH_PEER', 'OVERLOADED'] as const)(
    'fails as untouched when it could not be sent: %s',
    async (code) => {
      const { got } = ask(() => Promise.reject(new PeerageError(code, 'as it happens')));
      expect(got).toEqual([]);
      await settle();
      expect(got).toEqual([code, true]);
    },
  );

  it('fails in a later turn when its node goes down, and only then', async () => {
    const { got } = ask();
    await settle();
    requests.peerDown('c', gone);
    await settle();
    expect(got).toEqual([]);
    requests.peerDown('b', gone);
    expect(got).toEqual([]);
    await settle();
    expect(got).toEqual(['PEER_GONE', false]);
  });

  it('that may not have gone out is judged by what becomes of its message when its node goes down', async () => {
    const [sent, unsent] = [deferred(), deferred()];
    const [one, two] = [ask(() => sent.promise), ask(() => unsent.promise)];
    requests.peerDown('b', gone);
    await settle();
    expect([one.got, two.got]).toEqual([[], []]);
    sent.resolve();
    unsent.reject(gone());
    await settle();
    expect([one.got, two.got]).toEqual([
      ['PEER_GONE', false],
      ['PEER_GONE', true],
    ]);
  });

  it('ends with this node', async () => {
    const { got } = ask();
    requests.stop((what) => new PeerageError('NOT_RUNNING', what));
    await settle();
    expect(got).toEqual(['NOT_RUNNING', false]);
    expect(clock.pending).toBe(0);
  });
});

describe('keep-alive', () => {
  it('leaves quick requests alone, and keeps no timer', async () => {
    const { id } = ask();
    await clock.advanceAsync(KEEP_ALIVE_MS);
    requests.end('b', [id, 'yes']);
    await clock.advanceAsync(KEEP_ALIVE_MS);
    expect(posted).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('tells each node for which old requests this one waits, in messages of a thousand', async () => {
    const ids = Array.from({ length: 1_500 }, () => ask().id);
    const other = ask(undefined, 'c');
    ask(undefined, 'me');
    ask(() => new Promise(() => {}));
    await clock.advanceAsync(2 * KEEP_ALIVE_MS);
    expect(posted.map(({ to, body }) => [to, body])).toEqual([
      ['b', ids.slice(0, 1_000)],
      ['b', ids.slice(1_000)],
      ['c', [other.id]],
    ]);
  });

  it('has no part in requests with a time limit', async () => {
    const answer = requests.make('b', 'x', { timeoutMs: 60_000 }, () => {}).catch(() => {});
    await clock.advanceAsync(50_000);
    expect(posted).toEqual([]);
    await clock.advanceAsync(20_000);
    await answer;
  });

  it('ends a request that the other node does not have', async () => {
    const [kept, lost] = [ask(), ask()];
    await settle();
    requests.unknown('c', [kept.id]);
    requests.unknown('b', [lost.id, 77]);
    expect([kept.got, lost.got]).toEqual([[], ['CONNECTION_LOST', false]]);
  });

  it.each([
    ['is not known to be with the network', () => new Promise<void>(() => {}), []],
    ['may have an answer on an older connection', async () => {}, undefined],
  ])('ends none that %s', async (_what, hand, older) => {
    const { id, got } = ask(hand);
    await settle();
    waiting = older;
    requests.unknown('b', [id]);
    expect(got).toEqual([]);
  });
});

describe('a request with a time limit that nobody waits for any more', () => {
  it.each(['time', 'signal'])('is cancelled over there: by its %s', async (by) => {
    const controller = new AbortController();
    const answer = requests.make('b', 'x', { timeoutMs: 100, signal: controller.signal }, () => {});
    const code = answer.catch((error: PeerageError) => error.code);
    if (by === 'signal') controller.abort();
    await clock.advanceAsync(200);
    expect(await code).toBe(by === 'signal' ? 'ABORTED' : 'REQUEST_TIMEOUT');
    expect(sentOf(FrameKind.cancel)).toEqual([[1]]);
  });
});
