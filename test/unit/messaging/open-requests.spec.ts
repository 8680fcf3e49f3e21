import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerageError } from '../../../lib/errors/peerage-error.js';
import { addressOf, MessageWorld, type TalkingNode } from '../../support/mesh/message-world.js';

/** Within these a request that was lost has failed, and the work on one that nobody wants has ended. */
const FOUND_OUT_MS = 40_000;

type Happening =
  | { readonly do: 'ask'; readonly parts: number; readonly bytes: number; readonly everyMs: number }
  | { readonly do: 'cancel' }
  | { readonly do: 'reset' }
  | { readonly do: 'cut'; readonly ms: number; readonly oneWay: boolean }
  | { readonly do: 'pass'; readonly ms: number };

const ask = fc.record({
  do: fc.constant('ask' as const),
  parts: fc.integer({ min: 1, max: 5 }),
  bytes: fc.constantFrom(1, 1_000, 150_000),
  everyMs: fc.constantFrom(0, 1, 900, 7_000, 7_000),
});
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: ask },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      ms: fc.integer({ min: 1, max: 3_000 }),
      oneWay: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 9_000 }) }),
  },
);

interface Asked {
  readonly parts: number;
  readonly got: unknown[];
  readonly ends: string[];
  readonly cancel: () => void;
  isCancelled: boolean;
}

/** A client and a server of requests without a time limit, and what became of each. */
class Pair {
  readonly world = new MessageWorld();
  readonly asked: Asked[] = [];
  working = 0;
  private nodes: readonly TalkingNode[] = [];

  async start(): Promise<void> {
    this.nodes = await this.world.nodes(2, { limits: { handlers: 2 } });
    this.nodes[1]!.messaging.serve('ask', (data, _context, request) => {
      const { parts, bytes, everyMs } = data as { parts: number; bytes: number; everyMs: number };
      this.working += 1;
      request.onOver(() => (this.working -= 1));
      const failed = (): void => request.fail({ code: 'CONNECTION_LOST', message: 'not sent' });
      const part = (number: number): void => {
        if (request.isOver) return;
        const value = `${number} ${'x'.repeat(bytes)}`;
        const sent = number === parts ? request.end(value) : request.next(value);
        sent.catch(failed);
        if (number < parts) this.world.clock.after(everyMs, () => part(number + 1));
      };
      this.world.clock.after(everyMs, () => part(1));
      return new Promise<void>((resolve) => request.onOver(resolve));
    });
  }

  async happen(what: Happening): Promise<void> {
    const { network } = this.world;
    const [a, b] = this.nodes.map(addressOf) as [string, string];
    switch (what.do) {
      case 'ask':
        return this.ask(what);
      case 'cancel': {
        const last = this.asked.at(-1);
        if (last?.ends.length === 0) last.isCancelled = true;
        return last?.cancel();
      }
      case 'reset':
        return network.reset(a, b);
      case 'cut':
        if (what.oneWay) network.cutOneWay(b, a);
        else network.cut(a, b);
        await this.world.pass(what.ms);
        return network.heal();
      case 'pass':
        return this.world.pass(what.ms);
    }
  }

  async settle(): Promise<void> {
    await this.world.pass(FOUND_OUT_MS);
    await this.world.until(() => this.nodes.every(({ mesh }) => mesh.peers.length === 1));
    await this.world.pass(FOUND_OUT_MS);
  }

  private ask(data: { readonly parts: number }): void {
    const [client, server] = this.nodes as [TalkingNode, TalkingNode];
    const number = (value: unknown): number => Number(String(value).split(' ')[0]);
    const got: unknown[] = [];
    const ends: string[] = [];
    const cancel = client.messaging.open(server.mesh.self, 'ask', data, 'ask', {
      next: (value) => got.push(number(value)),
      end: (value) => {
        got.push(number(value));
        ends.push('answered');
      },
      fail: (error) => ends.push((error as PeerageError).code),
    });
    this.asked.push({ parts: data.parts, got, ends, cancel, isCancelled: false });
  }
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('requests without a time limit, whatever happens to the connection', () => {
  it('end once: with the whole answer, or an error; and nobody goes on working for nobody', async () => {
    let answered = 0;
    let lost = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { maxLength: 25, size: 'max' }),
        fc.boolean(),
        async (all, isHarmless) => {
          const happenings = isHarmless
            ? all.filter((each) => each.do !== 'reset' && each.do !== 'cut')
            : all;
          const pair = new Pair();
          try {
            await pair.start();
            for (const each of happenings) await pair.happen(each);
            await pair.settle();
            for (const { parts, got, ends, isCancelled } of pair.asked) {
              expect(got).toEqual(numbered(got.length));
              if (isCancelled) expect(ends).toEqual([]);
              else if (isHarmless || ends[0] === 'answered')
                expect([ends, got.length]).toEqual([['answered'], parts]);
              else {
                expect(ends).toHaveLength(1);
                expect(['CONNECTION_LOST', 'PEER_GONE']).toContain(ends[0]);
                lost += 1;
              }
              if (ends[0] === 'answered') answered += 1;
            }
            expect(pair.working).toBe(0);
          } finally {
            await pair.world.stop();
          }
        },
      ),
      { numRuns: Number(process.env['MODEL_RUNS'] ?? 30), endOnFailure: false },
    );
    expect(answered).toBeGreaterThan(30);
    expect(lost).toBeGreaterThan(0);
  });
});
