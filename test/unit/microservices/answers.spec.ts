import fc from 'fast-check';
import { concat, concatMap, from, Observable, throwError } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PeerageClient, PeerageServer } from '../../../lib/microservices/index.js';
import { clusterOf } from '../../support/mesh/talking-cluster.js';
import { MessageWorld, type TalkingNode } from '../../support/mesh/message-world.js';

/** What a part of an answer is like, to send and to read. */
type Part = 'plain' | 'long' | 'cannot be sent' | 'the serialiser throws' | 'slow to read' | 'cannot be read';
type End = 'completes' | 'fails' | 'fails with nothing' | 'fails with what cannot be sent';

const GOOD: readonly Part[] = ['plain', 'long', 'slow to read'];

interface Packet {
  readonly response?: readonly [number, Part];
  readonly [field: string]: unknown;
}

let world: MessageWorld;
let node: TalkingNode;
let client: PeerageClient;
let server: PeerageServer;

class QuietServer extends PeerageServer {
  protected override readonly logger = { log: () => {}, warn: () => {}, error: () => {} };
}

beforeEach(async () => {
  world = new MessageWorld();
  const nodes = [await world.node(), await world.node()];
  const clusters = nodes.map((each) => clusterOf(each, world.clock));
  await world.meet(nodes);
  node = nodes[1]!;
  server = new QuietServer({
    cluster: clusters[1]!,
    serializer: {
      serialize: (packet: Packet) => {
        if (packet.response?.[1] === 'the serialiser throws') throw new Error('no');
        return packet;
      },
    },
  });
  server.addHandler('parts', async (data) => observableOf(data));
  server.listen(() => {});
  client = new PeerageClient({
    cluster: clusters[0]!,
    deserializer: {
      deserialize: (packet: Packet): any => {
        const part = packet.response?.[1];
        if (part === 'cannot be read') throw new Error('no');
        if (part !== 'slow to read') return packet;
        return new Promise((resolve) => world.clock.after(50, () => resolve(packet)));
      },
    },
  });
  await world.settled(client.connect());
});
afterEach(async () => {
  client.close();
  void server.close();
  await world.stop();
});

interface Answer {
  readonly parts: readonly Part[];
  readonly end: End;
  readonly everyMs: number;
}

function observableOf({ parts, end, everyMs }: Answer): Observable<unknown> {
  const values = parts.map((part, i) => {
    if (part === 'cannot be sent') return [i, part, () => {}];
    return part === 'long' ? [i, part, Buffer.alloc(100_000)] : [i, part];
  });
  const ends: Record<End, Observable<never>> = {
    completes: from([]),
    fails: throwError(() => new Error('handled')),
    'fails with nothing': throwError(() => undefined),
    'fails with what cannot be sent': throwError(() => ({ message: 'handled', socket: () => {} })),
  };
  const later = (value: unknown): Observable<unknown> =>
    new Observable((subscriber) => {
      world.clock.after(everyMs, () => {
        subscriber.next(value);
        subscriber.complete();
      });
    });
  const slowed = everyMs === 0 ? from(values) : from(values).pipe(concatMap(later));
  return concat(slowed, ends[end]);
}

/** The numbers of the parts that came, and how it ended. */
async function ask(answer: Answer): Promise<{ got: number[]; end: string }> {
  const got: number[] = [];
  const ended = new Promise<string>((resolve) => {
    client
      .to({ node: node.mesh.self.name })
      .send('parts', answer)
      .subscribe({
        next: (value) => got.push((value as readonly number[])[0]!),
        complete: () => resolve('completes'),
        error: (error: unknown) => resolve(error ? 'fails' : 'fails with nothing'),
      });
  });
  return { got, end: await world.settled(ended) };
}

describe('an answer in several parts', () => {
  it('comes in order up to what cannot be sent or read, and ends once: as it ended over there, or with an error', async () => {
    const parts: Part[] = [
      'plain',
      'long',
      'cannot be sent',
      'the serialiser throws',
      'slow to read',
      'cannot be read',
    ];
    const ends: End[] = ['completes', 'fails', 'fails with nothing', 'fails with what cannot be sent'];
    const part = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...GOOD) },
      { weight: 1, arbitrary: fc.constantFrom(...parts) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          parts: fc.array(part, { maxLength: 40, size: 'max' }),
          end: fc.constantFrom(...ends),
          everyMs: fc.constantFrom(0, 1),
        }),
        async (answer) => {
          const bad = answer.parts.findIndex((each) => !GOOD.includes(each));
          const good = bad === -1 ? answer.parts.length : bad;
          const { got, end } = await ask(answer);
          expect(got).toEqual(Array.from({ length: good }, (_, i) => i));
          expect(end).toBe(bad === -1 && answer.end === 'completes' ? 'completes' : 'fails');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('may have many parts that are each nearly as long as a message may be', async () => {
    const parts = Array.from({ length: 200 }, () => 'long' as const);
    const { got, end } = await ask({ parts, end: 'completes', everyMs: 0 });
    expect([got.length, end]).toEqual([200, 'completes']);
  });
});
