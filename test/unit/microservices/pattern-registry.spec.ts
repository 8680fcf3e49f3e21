import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { PatternRegistry } from '../../../lib/microservices/pattern-registry.js';
import { Exchange } from '../../../lib/microservices/local-or-remote.js';
import { TOPICS } from '../../../lib/microservices/wire.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';
import { deferred } from '../../support/recorder.js';

let cluster: FakeCluster;
let registry: PatternRegistry;
let gone: string[];

beforeEach(() => {
  vi.useFakeTimers();
  cluster = new FakeCluster('a@h');
  gone = [];
  registry = new PatternRegistry(new Exchange(cluster.service), ({ name }) => gone.push(name));
});
afterEach(() => {
  registry.close();
  vi.useRealTimers();
});

const withPattern = (pattern = 'p') => registry.candidatesFor(pattern).nodes.map(({ name }) => name);
const answer = (value: () => Promise<unknown>) => cluster.answers.set(TOPICS.ask, value);
const isSettled = async () => {
  let settled = false;
  void registry.settled().then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(0);
  return settled;
};

it('asks those who are there and those who come', async () => {
  cluster.join('c@h');
  answer(async () => ['p', 'q']);
  registry.open();
  await registry.settled();
  expect(withPattern()).toEqual(['c@h']);
  cluster.join('b@h');
  await registry.settled();
  expect(withPattern()).toEqual(['b@h', 'c@h']);
  expect(withPattern('none')).toEqual([]);
});

it('asks this node itself', async () => {
  const exchange = new Exchange(cluster.service);
  exchange.handle(TOPICS.ask, () => ['own']);
  const own = new PatternRegistry(exchange, () => {});
  own.open();
  await own.settled();
  expect(own.candidatesFor('own').nodes).toMatchObject([{ name: 'a@h' }]);
});

it('forgets who goes down, and says so', async () => {
  answer(async () => ['p']);
  registry.open();
  const b = cluster.join('b@h');
  await registry.settled();
  const c = cluster.join('c@h');
  cluster.leave(b);
  cluster.leave(c);
  expect(withPattern()).toEqual([]);
  await vi.advanceTimersByTimeAsync(0);
  expect(withPattern()).toEqual([]); // The answer of c came too late.
  expect(gone).toEqual(['b@h', 'c@h']);
});

it('believes what a node says of itself later, and not its older answer', async () => {
  const older = deferred<unknown>();
  answer(() => older.promise);
  registry.open();
  const b = cluster.join('b@h');
  cluster.receive(b, TOPICS.patterns, ['p']);
  older.resolve(['q']);
  await vi.advanceTimersByTimeAsync(0);
  expect([withPattern('p'), withPattern('q')]).toEqual([['b@h'], []]);
  cluster.receive(b, TOPICS.patterns, []);
  expect(withPattern('p')).toEqual([]);
  // It still answers what it was asked before.
  expect(gone).toEqual([]);
});

it('prefers who is well to who is blocked, and both to who shuts down', async () => {
  const [b, c] = [cluster.join('b@h'), cluster.join('c@h')];
  answer(async () => ['p']);
  registry.open();
  await registry.settled();
  const well = () => registry.candidatesFor('p').well.map(({ name }) => name);
  const staying = () => registry.candidatesFor('p').staying.map(({ name }) => name);
  cluster.change(b, 'degraded');
  expect([well(), staying()]).toEqual([['c@h'], ['b@h', 'c@h']]);
  cluster.change(c, 'leaving');
  expect([well(), staying()]).toEqual([['b@h'], ['b@h']]);
  cluster.change(b, 'leaving');
  expect([well(), staying()]).toEqual([withPattern(), withPattern()]);
  cluster.change(b, 'up');
  expect(well()).toEqual(['b@h']);
});

it('knows that this node itself shuts down', async () => {
  const exchange = new Exchange(cluster.service);
  exchange.handle(TOPICS.ask, () => ['p']);
  const own = new PatternRegistry(exchange, () => {});
  answer(async () => ['p']);
  cluster.join('b@h');
  own.open();
  await own.settled();
  expect(own.candidatesFor('p').staying).toHaveLength(2);
  cluster.state.leave();
  expect(own.candidatesFor('p').staying).toMatchObject([{ name: 'b@h' }]);
});

it('waits 2 s for a slow node, and takes its answer later all the same', async () => {
  const slow = deferred<unknown>();
  answer(() => slow.promise);
  registry.open();
  cluster.join('b@h');
  await vi.advanceTimersByTimeAsync(1_900);
  expect(await isSettled()).toBe(false);
  expect(registry.isSettled).toBe(false);
  await vi.advanceTimersByTimeAsync(100);
  expect(await isSettled()).toBe(true);
  expect(registry.isSettled).toBe(true);
  slow.resolve(['p']);
  await vi.advanceTimersByTimeAsync(0);
  expect(withPattern()).toEqual(['b@h']);
});

it('asks again when the question got no answer', async () => {
  const answers = [() => Promise.reject(new PeerageError('REQUEST_TIMEOUT', 'slow')), async () => ['p']];
  answer(() => answers.shift()!());
  registry.open();
  cluster.join('b@h');
  await vi.advanceTimersByTimeAsync(0);
  expect(withPattern()).toEqual(['b@h']);
});

it('gives everybody a turn', async () => {
  answer(async () => ['p']);
  registry.open();
  for (const name of ['b@h', 'c@h', 'd@h']) cluster.join(name);
  await registry.settled();
  expect(registry.candidatesFor('p')).toBe(registry.candidatesFor('p'));
  expect(registry.candidatesFor('p').nodes).toHaveLength(3);
});

it('takes no harm from what is no list of patterns', () => {
  registry.open();
  const b = cluster.join('b@h');
  fc.assert(
    fc.property(fc.anything(), (patterns) => {
      cluster.receive(b, TOPICS.patterns, patterns);
      expect(registry.candidatesFor('p').nodes.length).toBeLessThan(2);
    }),
  );
});

describe('closed', () => {
  it('knows nobody, hears nothing, and leaves no timer', async () => {
    answer(async () => ['p']);
    registry.open();
    const b = cluster.join('b@h');
    await registry.settled();
    registry.close();
    expect(withPattern()).toEqual([]);
    cluster.receive(b, TOPICS.patterns, ['p']);
    cluster.join('c@h');
    await vi.advanceTimersByTimeAsync(0);
    expect(withPattern()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
