import fc from 'fast-check';
import type { Observable } from 'rxjs';
import { NEVER, finalize, of, range } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import type { Peer } from '../../../lib/membership/events.js';
import { PEERAGE, PeerageContext, PeerageServer } from '../../../lib/microservices/index.js';
import { TOPICS } from '../../../lib/microservices/wire.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';
import { PRESENCE_TOPIC } from '../../../lib/presence/presence-wire.js';
import { deferred, turns } from '../../support/recorder.js';

let cluster: FakeCluster;
let server: PeerageServer;
let client: Peer;
const logged: unknown[] = [];

class QuietServer extends PeerageServer {
  protected override readonly logger = {
    log: () => {},
    warn: () => {},
    error: (message: unknown) => void logged.push(message),
  };
}

beforeEach(() => {
  logged.length = 0;
  cluster = new FakeCluster('a@h');
  client = cluster.join('b@h');
  server = new QuietServer({ cluster: cluster.service });
});
afterEach(() => server.close());

type Handler = (data: any) => Promise<Observable<unknown>>;

function serve(handlers: Record<string, Handler>): void {
  for (const [pattern, handler] of Object.entries(handlers)) server.addHandler(pattern, handler);
  server.listen(() => {});
}

const ask = (pattern: string, data: unknown = {}, id = 1) =>
  cluster.receive(client, TOPICS.request, [id, { pattern, data }]);
const responses = () => cluster.answersSent;
/** Lets everything happen that needs no time. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('a server', () => {
  it('tells its patterns when it begins, and takes them back when it ends', () => {
    serve({ p: async () => of(1), q: async () => of(1) });
    expect(cluster.offered).toEqual(['p', 'q']);
    void server.close();
    expect(cluster.offered).toEqual([]);
  });

  it('ends when all have heard that it serves no more, or 2 s later', async () => {
    cluster.drainMs = 10_000;
    const heard = deferred<unknown>();
    serve({ p: async () => of(1) });
    await settle();
    cluster.answers.set(PRESENCE_TOPIC, () => heard.promise);
    const ended = vi.fn();
    void server.close()!.then(ended);
    await settle();
    expect(ended).not.toHaveBeenCalled();
    heard.resolve((cluster.sentOn(PRESENCE_TOPIC).at(-1) as readonly unknown[])[1]);
    await vi.waitFor(() => expect(ended).toHaveBeenCalled());
  });

  it('tells listen() when it may not tell its patterns, and can begin later', () => {
    const rooms = cluster.presences.of('rooms');
    const tracked = Array.from({ length: 10_000 }, () => rooms.track('room'));
    server.addHandler('p', async () => of(1));
    const failures: unknown[] = [];
    server.listen((error) => failures.push(error));
    expect(failures).toMatchObject([{ code: 'OVERLOADED' }]);
    tracked[0]!.untrack();
    server.listen((error) => failures.push(error));
    expect(failures.slice(1)).toEqual([undefined]);
    expect(cluster.offered).toEqual(['p']);
  });

  it('answers with numbered packets', async () => {
    serve({ p: async (count: number) => range(1, count) });
    ask('p', 3);
    await settle();
    expect(responses()).toEqual([
      ['next', 1, 1, { response: 1 }],
      ['next', 1, 2, { response: 2 }],
      ['reply', 1, { response: 3, isDisposed: true }, 3],
    ]);
  });

  it('waits for the network while many packets are on their way', async () => {
    let handOver = () => {};
    const handed = new Promise<void>((resolve) => (handOver = resolve));
    const send = vi.spyOn(cluster, 'send').mockReturnValue(handed);
    serve({ p: async () => range(0, 1_000) });
    ask('p');
    await settle();
    expect(send).toHaveBeenCalledTimes(16);
    handOver();
    await settle();
    expect(send).toHaveBeenCalledTimes(1_000);
  });

  it('says what is wrong in place of a packet that cannot be sent, and ends', async () => {
    const ends: string[] = [];
    serve({ p: async () => of(1, 2, 3).pipe(finalize(() => ends.push('end'))) });
    const refused = new PeerageError('INVALID_MESSAGE', 'no');
    vi.spyOn(cluster, 'send').mockImplementationOnce(() => {
      throw refused;
    });
    ask('p');
    await settle();
    expect(responses()).toEqual([['error', 1, expect.objectContaining({ code: 'INVALID_MESSAGE' })]]);
    expect(ends).toEqual(['end']);
  });

  it('says that it has no such handler', async () => {
    serve({});
    ask('none');
    await settle();
    expect(responses()).toEqual([['error', 1, expect.objectContaining({ code: 'NO_HANDLER' })]]);
  });

  it('tells nothing of what goes wrong inside, but logs it', async () => {
    serve({ p: () => Promise.reject(new Error('inside')) });
    ask('p');
    await settle();
    const err = { status: 'error', message: 'Internal server error' };
    expect(responses()).toEqual([['reply', 1, { err, isDisposed: true }]]);
    expect(logged).toEqual([expect.objectContaining({ message: 'inside' })]);
  });

  it('ends the work on what is cancelled, and on all when its client goes down', async () => {
    const ends: unknown[] = [];
    serve({ p: async (name) => NEVER.pipe(finalize(() => ends.push(name))) });
    ask('p', 'one', 1);
    ask('p', 'two', 2);
    await turns();
    cluster.receiveFrame(client, 'cancel', 1);
    expect(ends).toEqual(['one']);
    cluster.leave(client);
    expect(ends).toEqual(['one', 'two']);
    await settle();
    expect(responses()).toEqual([]);
  });

  it('fails what it is at work on when it ends', async () => {
    serve({ p: async () => NEVER });
    ask('p');
    await turns();
    void server.close();
    expect(responses()).toEqual([['error', 1, expect.objectContaining({ code: 'PEER_GONE' })]]);
  });

  it('runs the hooks around the work', async () => {
    const steps: unknown[] = [];
    server.setOnProcessingStartHook((transport, context, work) => {
      steps.push([transport, (context as PeerageContext).getPattern()]);
      void work();
    });
    server.setOnProcessingEndHook((_, context) => steps.push((context as PeerageContext).getPeer().name));
    serve({
      p: async () => of(1).pipe(finalize(() => steps.push('done'))),
      q: () => Promise.reject(new Error()),
    });
    ask('p');
    await settle();
    expect(steps).toEqual([[PEERAGE, 'p'], 'done', 'b@h']);
    ask('q');
    await settle();
    expect(steps.slice(3)).toEqual([[PEERAGE, 'q'], 'b@h']);
  });

  it('takes no harm from what is none of its messages', async () => {
    serve({ p: async () => of(1) });
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.anything(), async (one, two) => {
        for (const packet of [one, [one, two], { pattern: one, data: two }, { pattern: one }]) {
          await cluster.receive(client, TOPICS.event, packet);
          void cluster.receive(client, TOPICS.request, [1, packet]);
        }
        await settle();
      }),
    );
    cluster.sent.length = 0;
    ask('p', {}, 77);
    await settle();
    expect(responses()).toEqual([['reply', 77, { response: 1, isDisposed: true }]]);
  });
});
