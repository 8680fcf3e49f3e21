import { Injectable } from '@nestjs/common';
import { Cron, Interval, ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PeerageError, PeerageModule, RunOnce } from '../../../lib/index.js';
import type { ClaimStore, PeerageModuleOptions, RunContext, RunEvent } from '../../../lib/index.js';
import { PEERAGE_CLOCK } from '../../../lib/peerage.constants.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';
import { dateMs } from '../../../lib/time/clock.js';
import type { Clock } from '../../../lib/time/clock.js';

/** Long, so that only the tests call. */
const PERIOD_MS = 120_000;
const LONG_MS = 1_200_000;
const SECOND_MS = 1_000;

/** A store that is a map, and may be down. */
class MapStore implements ClaimStore {
  readonly rows = new Map<string, string>();
  isDown = false;

  async claim(job: string, dueAt: Date, by: string): Promise<string> {
    if (this.isDown) throw new Error('the store is down');
    if (this.hang) return this.hang(by);
    const key = `${job} ${dueAt.getTime()}`;
    if (!this.rows.has(key)) this.rows.set(key, by);
    return this.rows.get(key)!;
  }

  lastAt: Date | undefined;

  hang: ((by: string) => Promise<string>) | undefined;

  async last(): Promise<Date | undefined> {
    if (this.isDown) throw new Error('the store is down');
    return this.lastAt;
  }
}

const store = new MapStore();

@Injectable()
class Reports {
  readonly ran: string[] = [];
  work: () => unknown = () => 'done';

  @RunOnce({ lateMs: 5 * SECOND_MS })
  @Interval(PERIOD_MS)
  hourly({ key }: RunContext): unknown {
    this.ran.push(key);
    return this.work();
  }

  @RunOnce()
  @Interval(LONG_MS)
  long({ key }: RunContext): void {
    this.ran.push(key);
  }

  @RunOnce({ onLoss: 'rerun', name: 'again' })
  @Interval(PERIOD_MS)
  again({ key }: RunContext): unknown {
    this.ran.push(key);
    return this.work();
  }

  @RunOnce({ store, catchUp: 'last' })
  @Cron('0 0 1 1 *', { timeZone: 'UTC' })
  yearly({ key }: RunContext): void {
    this.ran.push(key);
  }

  @RunOnce({ store, lateMs: 5 * SECOND_MS })
  @Interval(PERIOD_MS)
  stored({ key }: RunContext): unknown {
    this.ran.push(key);
    return this.work();
  }
}

type Node = TestNode;

let cluster: TestCluster;
const events = new Map<string, RunEvent[]>();

const start = async (count: number, options: PeerageModuleOptions = {}): Promise<Node[]> => {
  cluster = await TestCluster.start(count, () =>
    Test.createTestingModule({
      imports: [ScheduleModule.forRoot(), PeerageModule.forRoot({ appName: 'app', ...options })],
      providers: [Reports],
    }),
  );
  for (const node of cluster.nodes) listen(node);
  await cluster.advance(10 * SECOND_MS);
  return [...cluster.nodes];
};
const listen = (node: Node): void => {
  const heard: RunEvent[] = [];
  events.set(node.name, heard);
  node.cluster.runs$.subscribe((event) => heard.push(event));
};
beforeEach(() => {
  events.clear();
  store.rows.clear();
  store.isDown = false;
  store.lastAt = undefined;
  store.hang = undefined;
});
afterEach(() => cluster.stop());

/** All are told that it is due, at once; what becomes of it on each. */
const due = (nodes: readonly Node[], job: 'hourly' | 'again' | 'stored' = 'hourly'): unknown[] => {
  const outcomes: unknown[] = nodes.map(() => 'open');
  for (const [i, node] of nodes.entries())
    (node.get(Reports)[job]({} as RunContext) as Promise<unknown>).then(
      (value) => (outcomes[i] = value),
      (error: unknown) => (outcomes[i] = error),
    );
  return outcomes;
};
const ranOf = (nodes: readonly Node[]): string[] => nodes.flatMap((node) => node.get(Reports).ran);
const who = (nodes: readonly Node[]): Node => nodes.find((node) => node.get(Reports).ran.length > 0)!;
const heard = (node: Node, type: RunEvent['type']): RunEvent[] =>
  events.get(node.name)!.filter((event) => event.type === type);

describe('a run that is due on three nodes', () => {
  it('is for one of them, and all hear of it', async () => {
    const nodes = await start(3);
    const outcomes = due(nodes);
    await cluster.advance(2 * SECOND_MS);
    expect(ranOf(nodes)).toHaveLength(1);
    expect(outcomes.map(String).toSorted()).toEqual(['done', 'undefined', 'undefined']);
    const runner = who(nodes);
    for (const node of nodes) {
      expect(heard(node, 'started')).toHaveLength(node === runner ? 1 : 0);
      const skips = heard(node, 'skipped');
      expect(skips).toMatchObject(node === runner ? [] : [{ reason: 'elsewhere', by: runner.name }]);
    }
    expect(runner.cluster.runTotals).toEqual({ started: 1, finished: 1, skipped: 0, duplicate: 0 });
  });

  it('waits for the first in order, and is for the next one when that is gone', async () => {
    const nodes = await start(3);
    due(nodes);
    await cluster.advance(2 * SECOND_MS);
    const first = who(nodes);
    const others = nodes.filter((node) => node !== first);
    // By its schedule it will come to it.
    await cluster.advance(2 * PERIOD_MS);
    for (const { ran } of nodes.map((node) => node.get(Reports))) ran.length = 0;
    due(others);
    await cluster.advance(10 * SECOND_MS);
    expect(ranOf(nodes)).toHaveLength(0);
    await first.kill();
    await cluster.advance(10 * SECOND_MS);
    expect(ranOf(others)).toHaveLength(1);
    await cluster.advance(PERIOD_MS);
    for (const { ran } of nodes.map((node) => node.get(Reports))) ran.length = 0;
    due(others);
    await cluster.advance(2 * SECOND_MS);
    expect(ranOf(others)).toHaveLength(1);
  });

  it('that fails has been run; the error is its caller’s', async () => {
    const nodes = await start(2);
    for (const node of nodes)
      node.get(Reports).work = () => {
        throw new Error('no paper');
      };
    const outcomes = due(nodes);
    await cluster.advance(2 * SECOND_MS);
    expect(outcomes.map(String).toSorted()).toEqual(['Error: no paper', 'undefined']);
    expect(heard(who(nodes), 'finished')).toMatchObject([{ error: new Error('no paper') }]);
  });
});

describe.each(['hourly', 'again'] as const)('when the node that runs it ends (%s)', (job) => {
  it('the rules say whether another one does', async () => {
    const nodes = await start(3);
    for (const node of nodes) node.get(Reports).work = () => new Promise(() => {});
    const outcomes = due(nodes, job);
    await cluster.advance(2 * SECOND_MS);
    const first = who(nodes);
    const others = nodes.filter((node) => node !== first);
    await first.kill();
    await cluster.advance(10 * SECOND_MS);
    expect(ranOf(others)).toHaveLength(job === 'again' ? 1 : 0);
    expect(outcomes).toHaveLength(3);
  });
});

describe('while the network is split', () => {
  const both = async (job: 'hourly' | 'stored', options: PeerageModuleOptions = {}): Promise<Node[]> => {
    const nodes = await start(3, options);
    cluster.partition(nodes.slice(0, 1), nodes.slice(1));
    await cluster.until(() => nodes[0]!.cluster.peers.length === 0);
    await cluster.until(() => nodes[1]!.cluster.peers.length === 1);
    due(nodes, job);
    await cluster.advance(10 * SECOND_MS);
    return nodes;
  };

  it('each side runs it, and that is told when they see each other again', async () => {
    const nodes = await both('hourly');
    expect(ranOf(nodes)).toHaveLength(2);
    cluster.heal();
    await cluster.until(() => nodes.every((node) => node.cluster.peers.length === 2));
    await cluster.advance(SECOND_MS);
    const twice = nodes.flatMap((node) => heard(node, 'duplicate'));
    expect(twice.length).toBeGreaterThan(0);
    const ranBy = nodes.filter((node) => node.get(Reports).ran.length > 0).map(({ name }) => name);
    expect(twice[0]).toMatchObject({ job: 'Reports.hourly', by: expect.arrayContaining(ranBy) as unknown });
  });

  it('only the side with a majority, when there is a quorum', async () => {
    const nodes = await both('hourly', { quorum: { of: 3 } });
    // The interval began before these nodes did.
    await cluster.advance(PERIOD_MS);
    for (const node of nodes) node.get(Reports).ran.length = 0;
    due(nodes);
    await cluster.advance(10 * SECOND_MS);
    expect(ranOf(nodes)).toHaveLength(1);
    expect(ranOf(nodes.slice(0, 1))).toEqual([]);
    expect(heard(nodes[0]!, 'skipped').at(-1)).toMatchObject({ reason: 'no quorum' });
  });

  it('only one side, when there is a store', async () => {
    expect(ranOf(await both('stored'))).toHaveLength(1);
    expect(store.rows.size).toBe(1);
  });

  it('neither, while the store is down', async () => {
    store.isDown = true;
    const nodes = await both('stored');
    expect(ranOf(nodes)).toEqual([]);
    expect(nodes.flatMap((node) => heard(node, 'skipped'))).toContainEqual(
      expect.objectContaining({ reason: 'store' }),
    );
  });
});

describe('what was due last, while nothing ran', () => {
  const newYear = `${new Date().getUTCFullYear()}-01-01T00:00:00.000Z`;

  it('is run by the first node that starts', async () => {
    store.lastAt = new Date('2020-01-01T00:00:00Z');
    expect(ranOf(await start(3))).toEqual([`Reports.yearly@${newYear}`]);
  });

  it.each([undefined, new Date(newYear)])(
    'is not run when it was, or there was none before: %s',
    async (last) => {
      store.lastAt = last;
      expect(ranOf(await start(2))).toEqual([]);
    },
  );
});

describe('a store that', () => {
  it('fails is tried until the run is late, and not again by each other node', async () => {
    store.isDown = true;
    const nodes = await start(5);
    due(nodes, 'stored');
    await cluster.advance(12 * SECOND_MS);
    store.isDown = false;
    await cluster.advance(60 * SECOND_MS);
    expect(ranOf(nodes)).toEqual([]);
  });

  it('hangs has the run neither late, nor after the end', async () => {
    let hanging: (() => void)[] = [];
    store.hang = (by) => new Promise((resolve) => hanging.push(() => resolve(by)));
    const answer = (): void => {
      for (const each of hanging) each();
      hanging = [];
    };
    const nodes = await start(1);
    due(nodes, 'stored');
    await cluster.advance(60 * SECOND_MS);
    answer();
    await cluster.advance(5 * SECOND_MS);
    expect(heard(nodes[0]!, 'skipped')).toMatchObject([{ reason: 'store' }]);
    await cluster.advance(PERIOD_MS);
    due(nodes, 'stored');
    await cluster.advance(SECOND_MS);
    expect(hanging).toHaveLength(1);
    await nodes[0]!.kill();
    answer();
    await cluster.advance(SECOND_MS);
    expect(ranOf(nodes)).toEqual([]);
  });

  it.each([1_577_836_800_000, '2020-01-01T00:00:00.000Z', new Date(NaN), {}])(
    'gives %s for a date has nothing caught up, ends no process, and is asked again',
    async (last) => {
      store.lastAt = last as Date;
      const nodes = await start(2);
      expect(ranOf(nodes)).toEqual([]);
      store.lastAt = new Date('2020-01-01T00:00:00Z');
      await cluster.advance(60 * SECOND_MS);
      expect(ranOf(nodes)).toHaveLength(1);
    },
  );

  it('is not there at the start is asked again for what was missed', async () => {
    store.lastAt = new Date('2020-01-01T00:00:00Z');
    store.isDown = true;
    const nodes = await start(2);
    expect(ranOf(nodes)).toEqual([]);
    store.isDown = false;
    await cluster.advance(60 * SECOND_MS);
    expect(ranOf(nodes)).toHaveLength(1);
  });
});

describe('a long interval', () => {
  it.each([
    ['as they are named', false],
    ['the other way round', true],
  ])('is run once in each of its slots by the node that comes to it first, %s', async (_how, isReversed) => {
    const nodes = await start(2);
    const [a, b] = isReversed ? nodes.toReversed() : nodes;
    const long = (node: Node): unknown => node.get(Reports).long({} as RunContext);
    const leftMs = LONG_MS - (dateMs(nodes[0]!.module.get<Clock>(PEERAGE_CLOCK)) % LONG_MS);
    await cluster.advance(leftMs + SECOND_MS);
    void long(a!);
    // A run of every second is forgotten by then.
    await cluster.advance(950 * SECOND_MS);
    void long(b!);
    await cluster.advance(10 * SECOND_MS);
    expect([ranOf([a!]).length, ranOf([b!])]).toEqual([1, []]);
  });
});

describe('once()', () => {
  const once = (node: Node, run: () => unknown, ttlMs = 60 * SECOND_MS): Promise<unknown> =>
    node.cluster.once('migrate', run, { ttlMs }).catch((error: Error) => error.message);

  it('is run by one of those that ask, and remembered for a while', async () => {
    const nodes = await start(3);
    let runs = 0;
    const run = async (): Promise<string> => `run ${(runs += 1)}`;
    const results = Promise.all([...nodes, nodes[0]!].map((node) => once(node, run)));
    await cluster.advance(3 * SECOND_MS);
    const all = (await results) as { ran: boolean; by?: string }[];
    expect(all.filter(({ ran }) => ran)).toEqual([{ ran: true, value: 'run 1' }]);
    const names = nodes.map(({ name }) => name);
    for (const { by } of all.filter(({ ran }) => !ran)) expect(names).toContain(by);
    expect(await once(nodes[1]!, run)).toMatchObject({ ran: false, reason: 'elsewhere' });
    await cluster.advance(90 * SECOND_MS);
    const later = once(nodes[1]!, run);
    await cluster.advance(SECOND_MS);
    expect(await later).toEqual({ ran: true, value: 'run 2' });
  });

  it('is for another one when it fails', async () => {
    const nodes = await start(3);
    let runs = 0;
    const run = (): string => {
      if ((runs += 1) === 1) throw new Error('the first fails');
      return 'the second does not';
    };
    const results = Promise.all(nodes.map((node) => once(node, run)));
    await cluster.advance(5 * SECOND_MS);
    const all = await results;
    expect(all).toContain('the first fails');
    expect(all).toContainEqual({ ran: true, value: 'the second does not' });
    expect(all).toContainEqual(expect.objectContaining({ ran: false, reason: 'elsewhere' }));
  });

  it('says what it takes, before anybody is asked', async () => {
    const [node] = await start(1);
    const given: readonly [unknown, unknown, unknown][] = [
      ['a', () => 1, undefined],
      ['a', () => 1, { ttlMs: 90_000.5 }],
      ['a', () => 1, { ttlMs: '60000' }],
      ['a', () => 1, { ttlMs: 5_000, onLoss: 're-run' }],
      ['a', () => 1, { ttlMs: 5_000, lateMs: NaN }],
      ['a', () => 1, { ttlMs: 5_000, lateMs: -1 }],
      ['a', () => 1, { ttlMs: 5_000, ttl: 3 }],
      ['a', 'no function', { ttlMs: 5_000 }],
      ['a\ud83d', () => 1, { ttlMs: 5_000 }],
      [5, () => 1, { ttlMs: 5_000 }],
    ];
    const refused = expect.objectContaining({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/^once\(/) as string,
    }) as Error;
    for (const [key, run, options] of given)
      await expect(
        node!.cluster.once(key as string, run as () => 1, options as { ttlMs: number }),
      ).rejects.toThrow(refused);
    await expect(node!.cluster.once('', () => 1, { ttlMs: 1_000 })).rejects.toBeInstanceOf(PeerageError);
    await expect(node!.cluster.once('a', () => 1, { ttlMs: 1 })).rejects.toThrow(/ttlMs/);
  });
});
