import { lastValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerageModuleOptions } from '../../../lib/index.js';
import { PeerageClient, PeerageServer } from '../../../lib/microservices/index.js';
import { clusterOf } from '../../support/mesh/talking-cluster.js';
import { MessageWorld, addressOf, type TalkingNode } from '../../support/mesh/message-world.js';

const HANDLER_MS = 15_000;
/** Within these a request that got lost with a connection has failed. */
const FOUND_OUT_MS = 12_000;

let world: MessageWorld;
let nodes: [TalkingNode, TalkingNode];
let client: PeerageClient;
let server: PeerageServer;
let started: unknown[];

beforeEach(() => begin({ handlers: 2 }));
afterEach(end);

async function begin(limits: NonNullable<PeerageModuleOptions['limits']>): Promise<void> {
  world = new MessageWorld();
  nodes = [await world.node({ limits }), await world.node({ limits })];
  const clusters = nodes.map((node) => clusterOf(node, world.clock));
  await world.meet(nodes);
  started = [];
  const work = (data: unknown, ms: number): Promise<unknown> => {
    started.push(data);
    return new Promise((resolve) => world.clock.after(ms, () => resolve(data)));
  };
  server = new PeerageServer({ cluster: clusters[1]! });
  server.addHandler('slow', (data) => work(data, HANDLER_MS));
  server.addHandler('quick', (data) => work(data, 0));
  server.listen(() => {});
  client = new PeerageClient({ cluster: clusters[0]! });
  await world.settled(client.connect());
}

async function end(): Promise<void> {
  client.close();
  void server.close();
  await world.stop();
}

/** How requests ended, in order. */
function ask(pattern: 'slow' | 'quick', ...all: readonly unknown[]): unknown[] {
  const ends: unknown[] = [];
  for (const data of all)
    lastValueFrom(client.send(pattern, data)).then(
      (answer) => ends.push(answer),
      (error: { code?: unknown }) => ends.push(error.code),
    );
  return ends;
}

const between = (): [string, string] => [addressOf(nodes[0]), addressOf(nodes[1])];

/** What is sent meanwhile is under way when the connection breaks. */
async function loseWhatIsSent(act: () => void | Promise<void>): Promise<void> {
  world.network.cut(...between());
  await act();
  await world.pass(100);
  world.network.reset(...between());
  world.network.heal();
}

describe('a request lasts until it is answered', () => {
  it('when it waits for handlers that are busy', async () => {
    const ends = ask('slow', 1, 2, 3, 4, 5, 6);
    const last = ask('quick', 'last');
    await world.pass(3 * HANDLER_MS - 1_000);
    expect(started).toEqual([1, 2, 3, 4, 5, 6]);
    expect(last).toEqual([]);
    await world.pass(2_000);
    expect([ends, last]).toEqual([[1, 2, 3, 4, 5, 6], ['last']]);
  });

  it('when it waits for them and its connection is replaced meanwhile', async () => {
    const ends = ask('slow', 1, 2, 3, 4, 5, 6);
    await world.pass(HANDLER_MS / 3);
    world.network.reset(...between());
    await world.pass(3 * HANDLER_MS);
    expect([started, ends]).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 2, 3, 4, 5, 6],
    ]);
  });

  it('when it waits at the sender, since the receiver has no room for it', async () => {
    await end();
    await begin({ handlers: 2, receiveQueueBytes: 65_536 });
    const long = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => String(i).repeat(60_000));
    const ends = ask('slow', ...long);
    await world.pass(9 * HANDLER_MS);
    expect([started, ends]).toEqual([long, long]);
  });
});

describe('a request that waits for handlers', () => {
  it('is not handled when nobody wants its response any more', async () => {
    const ends = ask('slow', 1, 2);
    const unwanted = client.send('slow', 'unwanted').subscribe();
    const last = ask('slow', 'last');
    await world.pass(100);
    unwanted.unsubscribe();
    await world.pass(2 * HANDLER_MS + 1_000);
    expect([started, ends, last]).toEqual([[1, 2, 'last'], [1, 2], ['last']]);
  });
});

describe('a request ends with CONNECTION_LOST', () => {
  it('when it got lost with a connection', async () => {
    let ends: unknown[] = [];
    await loseWhatIsSent(() => void (ends = ask('quick', 'lost')));
    await world.pass(FOUND_OUT_MS);
    expect([started, ends]).toEqual([[], ['CONNECTION_LOST']]);
  });

  it('when its response got lost with a connection', async () => {
    const ends = ask('slow', 1);
    await world.pass(HANDLER_MS - 100);
    await loseWhatIsSent(() => world.pass(200));
    await world.pass(FOUND_OUT_MS);
    expect([started, ends]).toEqual([[1], ['CONNECTION_LOST']]);
  });

  it('when it got lost while others wait, which do not', async () => {
    const ends = ask('slow', 1, 2, 3, 4);
    let lost: unknown[] = [];
    await world.pass(1_000);
    await loseWhatIsSent(() => void (lost = ask('quick', 'lost')));
    await world.pass(2 * HANDLER_MS + FOUND_OUT_MS);
    expect([started, ends, lost]).toEqual([[1, 2, 3, 4], [1, 2, 3, 4], ['CONNECTION_LOST']]);
  });
});
