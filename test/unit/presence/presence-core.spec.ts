import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OwnEntries } from '../../../lib/presence/core/own-entries.js';
import { PresenceCore } from '../../../lib/presence/core/presence-core.js';
import type {
  Entry,
  PresenceDirective,
  PresenceInput,
} from '../../../lib/presence/core/presence-core.types.js';
import { readUpdate, updateToWire } from '../../../lib/presence/presence-wire.js';

const LIMITS = { presenceEntries: 8, presenceBytes: 10_000 };

type Send = Extract<PresenceDirective, { type: 'send' }>;

const entryOf = (id: number, meta: unknown, space = 'rooms', key = `key ${id}`): Entry => {
  const bytes = Buffer.byteLength(JSON.stringify([space, key, meta]));
  return { id, space, key, meta, bytes };
};

/** One owner and one copy of its entries, and what is under way between them. */
class Pair {
  readonly own = new Map<number, Entry>();
  readonly copy = new Map<number, Entry>();
  readonly owner = new PresenceCore(LIMITS);
  readonly reader = new PresenceCore(LIMITS);
  readonly underWay: Send[] = [];
  /** Entries of which no message can be made. */
  readonly unsendable = new Set<unknown>();
  readonly told: unknown[] = [];
  nowMs = 0;

  constructor(metBlank = false) {
    this.tell({ type: 'peerUp', peer: 'reader', metBlank });
    this.hear({ type: 'peerUp', peer: 'owner', metBlank });
  }

  put(id: number, meta: unknown): void {
    const entry = entryOf(id, meta);
    if (!this.owner.hasRoom(entry.bytes, id)) return;
    this.own.set(id, entry);
    this.tell({ type: 'put', entry });
  }

  drop(id: number): void {
    this.own.delete(id);
    this.tell({ type: 'drop', id });
  }

  /** The oldest update arrives, and is confirmed; or is lost, with or without having arrived. */
  pass(how: 'arrives' | 'is lost' | 'its answer is lost'): Send | undefined {
    const send = this.underWay.shift();
    if (!send) return undefined;
    const { attempt } = send;
    if (send.update.put.some(({ meta }) => this.unsendable.has(meta)))
      this.tell({ type: 'failed', peer: 'reader', attempt, why: 'unsendable' });
    else if (how === 'is lost') this.tell({ type: 'failed', peer: 'reader', attempt, why: 'lost' });
    else {
      // By way of the wire.
      const update = readUpdate(structuredClone(updateToWire(send.update)));
      const have = this.hear({ type: 'update', from: 'owner', update })!;
      if (how === 'arrives') this.tell({ type: 'confirmed', peer: 'reader', attempt, have });
      else this.tell({ type: 'failed', peer: 'reader', attempt, why: 'other' });
    }
    return send;
  }

  /** The reader has taken the owner for dead for a moment; the owner does not know. */
  forget(): void {
    this.hear({ type: 'peerDown', peer: 'owner' });
    this.hear({ type: 'peerUp', peer: 'owner' });
    const update = { base: 0, upTo: 1, more: false, have: 0, put: [], gone: [] };
    this.tell({ type: 'update', from: 'reader', update });
  }

  /** The owner has taken the reader, which stood still, for dead; the reader does not know. */
  meetAgain(): void {
    this.tell({ type: 'peerDown', peer: 'reader' });
    this.tell({ type: 'peerUp', peer: 'reader' });
  }

  /** Time passes until nothing is under way. */
  drain(): void {
    for (let turns = 0; turns < 200; turns++) {
      this.nowMs += 1_000;
      this.tell({ type: 'wake' });
      this.pass('arrives');
    }
  }

  private tell(input: PresenceInput): void {
    for (const directive of this.owner.handle(input, this.nowMs))
      if (directive.type === 'send') this.underWay.push(directive);
      else if (directive.type === 'unsendable') this.told.push(directive.entry.meta);
  }

  private hear(input: PresenceInput): number | undefined {
    let answer: number | undefined;
    for (const directive of this.reader.handle(input, this.nowMs)) {
      if (directive.type === 'answer') answer = directive.have;
      if (directive.type !== 'changed') continue;
      for (const { id } of directive.left) this.copy.delete(id);
      for (const entry of [...directive.joined, ...directive.updated]) this.copy.set(entry.id, entry);
    }
    return answer;
  }
}

const listed = (entries: Map<number, Entry>): unknown[] =>
  [...entries.values()]
    .map(({ id, space, key, meta }) => [id, space, key, meta])
    .sort((a, b) => Number(a[0]) - Number(b[0]));

describe('a copy of entries', () => {
  it('is what its owner has in the end, whatever was lost, and whoever forgot', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('put' as const), id: fc.integer({ min: 1, max: 12 }), meta: fc.nat() }),
      fc.record({ do: fc.constant('drop' as const), id: fc.integer({ min: 1, max: 12 }) }),
      fc.record({
        do: fc.constant('pass' as const),
        how: fc.constantFrom('arrives' as const, 'is lost' as const, 'its answer is lost' as const),
      }),
      fc.record({ do: fc.constant('forget' as const) }),
      fc.record({ do: fc.constant('meet again' as const) }),
      fc.record({ do: fc.constant('wait' as const) }),
    );
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), (metBlank, steps) => {
        const pair = new Pair(metBlank);
        for (const each of steps) {
          if (each.do === 'put') pair.put(each.id, each.meta);
          else if (each.do === 'drop') pair.drop(each.id);
          else if (each.do === 'pass') pair.pass(each.how);
          else if (each.do === 'forget') pair.forget();
          else if (each.do === 'meet again') pair.meetAgain();
          else pair.nowMs += 1_500;
        }
        pair.drain();
        expect(listed(pair.copy)).toEqual(listed(pair.own));
        expect(pair.reader.knows('owner')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('has room for all that its owner has, though it keeps as many that the owner has dropped meanwhile', () => {
    const pair = new Pair();
    for (let id = 1; id <= 8; id++) pair.put(id, 'before');
    pair.drain();
    for (let id = 1; id <= 8; id++) pair.drop(id);
    for (let id = 9; id <= 16; id++) pair.put(id, 'after');
    pair.meetAgain();
    pair.drain();
    expect(listed(pair.copy)).toEqual(listed(pair.own));
  });

  it('of an owner that had no entries when they met is told from its first one on', () => {
    const pair = new Pair(true);
    expect(pair.underWay).toEqual([]);
    expect(pair.reader.knows('owner')).toBe(true);
    pair.put(1, 'first');
    expect(pair.underWay).toMatchObject([{ update: { base: 1, put: [{ id: 1 }] } }]);
    pair.pass('arrives');
    expect([...pair.copy.keys()]).toEqual([1]);
  });

  it('comes up to date in bounded memory when it was slow: then it gets everything anew', () => {
    const pair = new Pair();
    pair.put(1, 'stays');
    for (let id = 2; id < 10_000; id++) {
      pair.put(id, 'goes');
      pair.drop(id);
    }
    pair.pass('arrives');
    const [update] = pair.underWay;
    expect(update!.update.gone.length).toBeLessThan(2_000);
    pair.drain();
    expect(listed(pair.copy)).toEqual([[1, 'rooms', 'key 1', 'stays']]);
    pair.put(2, 'new');
    pair.drain();
    expect(listed(pair.copy)).toHaveLength(2);
  });

  it('lacks what cannot be sent, and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 8 })), (bad) => {
        const pair = new Pair();
        for (const id of bad) pair.unsendable.add(id);
        for (let id = 1; id <= 8; id++) pair.put(id, id);
        pair.drain();
        const good = [1, 2, 3, 4, 5, 6, 7, 8].filter((id) => !bad.includes(id));
        expect(new Set(pair.copy.keys())).toEqual(new Set(good));
        expect(new Set(pair.told)).toEqual(new Set(bad));
        expect(pair.reader.knows('owner')).toBe(true);
        for (const id of bad) pair.put(id, 'better');
        pair.drain();
        expect(listed(pair.copy)).toEqual(listed(pair.own));
      }),
      { numRuns: 30 },
    );
  });

  it('that keeps up gets one change a time, and what changes meanwhile together', () => {
    const pair = new Pair();
    pair.pass('arrives');
    pair.put(1, 'a');
    pair.put(1, 'b');
    pair.put(2, 'c');
    expect(pair.underWay).toHaveLength(1);
    expect(pair.pass('arrives')!.update.put.map(({ meta }) => meta)).toEqual(['a']);
    expect(pair.pass('arrives')!.update.put.map(({ meta }) => meta)).toEqual(['b', 'c']);
    expect(pair.underWay).toEqual([]);
  });
});

describe('what a peer sends', () => {
  it('is an update as it was sent, or malformed', () => {
    const body = fc.oneof(
      fc.anything({ maxDepth: 4 }),
      fc.tuple(fc.nat(), fc.nat(), fc.boolean(), fc.nat(), fc.array(fc.anything()), fc.array(fc.anything())),
      fc.tuple(
        fc.constant(0),
        fc.nat(),
        fc.boolean(),
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.nat(), fc.string(), fc.string(), fc.jsonValue())),
        fc.array(fc.nat()),
      ),
    );
    let read = 0;
    fc.assert(
      fc.property(body, (value) => {
        try {
          const update = readUpdate(value);
          read++;
          expect(readUpdate(updateToWire(update))).toEqual(update);
        } catch (error) {
          expect(error).toMatchObject({ code: 'MALFORMED_FRAME' });
        }
      }),
    );
    expect(read).toBeGreaterThan(0);
  });

  it('has bounds', () => {
    const entry = (space: string, key: string, meta: unknown) => [
      0,
      2,
      false,
      0,
      [[1, 2, space, key, meta]],
      [],
    ];
    expect(() => readUpdate(entry('s', 'k', 'x'))).not.toThrow();
    for (const bad of [
      entry('', 'k', 'x'),
      entry('s', 'k'.repeat(256), 'x'),
      entry('s', 'k', 'x'.repeat(10_000)),
      entry('s', 'k', new Date(0)),
      [5, 4, false, 0, [], []],
    ])
      expect(() => readUpdate(bad)).toThrow(expect.objectContaining({ code: 'MALFORMED_FRAME' }));
  });
});

describe('entries that come and go while a peer confirms nothing', () => {
  it('cost as much each as before: the log is not copied for every one of them', () => {
    const limits = { presenceEntries: 1_000, presenceBytes: 1_000_000 };
    const own = new OwnEntries(limits);
    const log = (): unknown => (own as unknown as { log: unknown }).log;
    let copies = 0;
    for (let id = 0; id < 20_000; id += 1) {
      const before = log();
      own.put(entryOf(id, 'x'));
      own.drop(id);
      own.tidy(0);
      if (log() !== before) copies += 1;
    }
    expect(copies).toBeGreaterThan(1);
    expect(copies).toBeLessThanOrEqual(20_000 / (limits.presenceEntries / 4));
  });
});
