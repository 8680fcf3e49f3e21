import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PeerageError } from '../../../lib/errors/peerage-error.js';
import { THIS_NODE } from '../../../lib/messaging/peer-directory.js';
import { MessageWorld, type TalkingNode } from '../../support/mesh/message-world.js';

let world: MessageWorld;
let a: TalkingNode;
let b: TalkingNode;
/** What was handled, by node. */
const heard: { here: unknown[]; there: unknown[] } = { here: [], there: [] };

beforeAll(async () => {
  world = new MessageWorld();
  const limits = { messageBytes: 20_000 };
  [a, b] = (await world.nodes(2, { limits })) as [TalkingNode, TalkingNode];
  a.messaging.handle('t', (data) => void heard.here.push(data));
  b.messaging.handle('t', (data) => void heard.there.push(data));
});
afterAll(() => world.stop());

class Point {
  constructor(readonly x: unknown) {}

  get twice(): unknown {
    return [this.x, this.x];
  }
}

class Jsonable {
  constructor(private readonly value: unknown) {}

  toJSON(): unknown {
    return { json: this.value };
  }
}

class Liar extends Map<unknown, unknown> {
  override get size(): number {
    return super.size + 3;
  }
}

class Odd extends Uint8Array {
  override get byteLength(): never {
    return 'long' as never;
  }
}

/** Makes the values anew each time: some change when they are looked at. */
type Make = () => unknown;

const plain = fc
  .anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
    withSparseArray: true,
    withBoxedValues: true,
    maxDepth: 3,
  })
  .map(
    (value): Make =>
      () =>
        value,
  );

const odd = (make: Make): readonly Make[] => [
  () => new Point(make()),
  () => new Jsonable(make()),
  () => ({ toJSON: () => make(), cb() {} }),
  () => new Liar([[1, make()]]),
  () => new Odd([1, 2]),
  () => new Proxy([make()], {}),
  () => new Proxy({ a: make() }, { ownKeys: () => ['a', 'a2'], getOwnPropertyDescriptor: descriptor }),
  () => new Proxy([], { get: (_, key) => (key === 'length' ? -1 : undefined) }),
  () => cyclic(make()),
  () => [make(), () => {}],
  () => ({ s: Symbol('s'), a: make() }),
  () => Object.assign(new RangeError('x', { cause: make() }), { code: 5, extra: () => {} }),
  () => new AggregateError([make()], 'several'),
  () => Promise.resolve(1),
  () => new WeakSet(),
  () => /x/,
  () => new URL('http://a/b'),
  () => Buffer.from('bytes'),
  () => Array.from({ length: 3_000 }, () => make()),
  () => 'x'.repeat(30_000),
  // oxlint-disable-next-line unicorn/no-new-array -- holes
  () => new Array(2 ** 31),
  () => ({
    get moody() {
      return Math.random() < 2 ? make() : 1;
    },
  }),
  () => ({
    get broken() {
      throw new Error('no');
    },
  }),
  () => JSON.parse('{"__proto__": {"polluted": 1}}') as unknown,
  () => nested(300),
  () => fickle(make()),
];

const value = fc.tuple(plain, fc.nat(), fc.nat(), fc.boolean()).map(([make, i, j, isTwice]): Make => {
  const once = pick(odd(make), i);
  return isTwice ? pick(odd(once), j) : once;
});

describe('any value', () => {
  it('arrives the same here and there, or is refused before anybody hears of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(plain, value), async (make) => {
        heard.here = [];
        heard.there = [];
        const there = await outcome(a.messaging.send(b.mesh.self.name, 't', make()));
        const here = await outcome(a.messaging.send(THIS_NODE, 't', make()));
        await world.pass(50);
        // What is too long and has another fault may be told for either: a frame has a few bytes more than a copy.
        const isTooLong = [here, there].some((error) => error?.message.includes('takes more than'));
        if (isTooLong) expect(here?.code).toBe(there?.code);
        else expect(here?.message).toBe(there?.message);
        if (there === undefined) {
          expect(heard.there).toHaveLength(1);
          assert.deepStrictEqual(heard.here, heard.there);
        } else {
          expect(there.code).toBe('INVALID_MESSAGE');
          expect([heard.here, heard.there]).toEqual([[], []]);
        }
      }),
      { numRuns: 300 },
    );
    expect('polluted' in {}).toBe(false);
    // And no other message is harmed.
    heard.there = [];
    await world.settled(a.messaging.send(b.mesh.self.name, 't', 'well'));
    await world.until(() => heard.there.length === 1);
    expect(heard.there).toEqual(['well']);
    expect(a.mesh.peers).toHaveLength(1);
  }, 120_000);
});

async function outcome(sent: Promise<void>): Promise<PeerageError | undefined> {
  return world.settled(
    sent.then(
      () => undefined,
      (error: unknown) => error as PeerageError,
    ),
  );
}

function pick<T>(from: readonly T[], i: number): T {
  return from[i % from.length]!;
}

function descriptor(): PropertyDescriptor {
  return { configurable: true, enumerable: true, writable: true, value: 1 };
}

function cyclic(part: unknown): unknown {
  const loop: { part: unknown; self?: unknown } = { part };
  loop.self = new Map([['x', loop]]);
  return loop;
}

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}

/** Changes what it is in while it is looked at. */
function fickle(part: unknown): unknown {
  const set = new Set<unknown>();
  const list: unknown[] = [
    {
      toJSON() {
        set.clear();
        list.length = 1;
        return part;
      },
    },
    set,
    2,
  ];
  set.add(list[0]).add(part);
  return [set, list];
}
