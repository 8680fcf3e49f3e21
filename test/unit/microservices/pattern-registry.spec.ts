import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PatternRegistry, offer } from '../../../lib/microservices/pattern-registry.js';
import { keyOf } from '../../../lib/presence/pattern-keys.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';

let cluster: FakeCluster;
let registry: PatternRegistry;

beforeEach(() => {
  vi.useFakeTimers();
  cluster = new FakeCluster('a@h');
  cluster.patterns = ['p'];
  registry = new PatternRegistry(cluster.service);
});
afterEach(() => {
  registry.release();
  vi.useRealTimers();
});

const withPattern = (pattern = 'p') => registry.candidatesFor(pattern).nodes.map(({ name }) => name);
const isSettled = async () => {
  let settled = false;
  void registry.settled().then(() => (settled = true));
  await vi.advanceTimersByTimeAsync(0);
  return settled;
};

it('knows what those have who were there, who come, and this node itself', async () => {
  cluster.join('c@h', ['p', 'q']);
  registry.retain();
  await registry.settled();
  expect(withPattern()).toEqual(['c@h']);
  cluster.join('b@h');
  offer(cluster.service, ['p']);
  expect(withPattern()).toEqual(['a@h', 'b@h', 'c@h']);
  expect(withPattern('q')).toEqual(['c@h']);
  expect(withPattern('none')).toEqual([]);
});

it('knows nodes of two versions, each by the patterns that it has', () => {
  registry.retain();
  const old = cluster.join('b@h', ['sum', 'sum v1']);
  cluster.join('c@h', ['sum', 'sum v2']);
  const nodes = () => ['sum', 'sum v1', 'sum v2'].map((pattern) => withPattern(pattern));
  expect(nodes()).toEqual([['b@h', 'c@h'], ['b@h'], ['c@h']]);
  cluster.leave(old);
  expect(nodes()).toEqual([['c@h'], [], ['c@h']]);
});

it('forgets who goes down', () => {
  registry.retain();
  const b = cluster.join('b@h');
  const c = cluster.join('c@h', 'later');
  cluster.leave(b);
  cluster.leave(c);
  expect(withPattern()).toEqual([]);
});

it('goes by what a node says of itself last', () => {
  registry.retain();
  const b = cluster.join('b@h');
  cluster.serves(b, ['q']);
  expect([withPattern('p'), withPattern('q')]).toEqual([[], ['b@h']]);
  cluster.serves(b, []);
  expect(withPattern('q')).toEqual([]);
});

it('prefers who is well to who is blocked, and both to who shuts down', () => {
  const [b, c] = [cluster.join('b@h'), cluster.join('c@h')];
  registry.retain();
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

it('knows that this node itself shuts down', () => {
  offer(cluster.service, ['p']);
  cluster.join('b@h');
  registry.retain();
  expect(registry.candidatesFor('p').staying).toHaveLength(2);
  cluster.state.leave();
  expect(registry.candidatesFor('p').staying).toMatchObject([{ name: 'b@h' }]);
});

it('waits 2 s for a slow node, and takes what it tells later all the same', async () => {
  registry.retain();
  const b = cluster.join('b@h', 'later');
  await vi.advanceTimersByTimeAsync(1_900);
  expect(await isSettled()).toBe(false);
  expect(registry.isSettled).toBe(false);
  await vi.advanceTimersByTimeAsync(100);
  expect(await isSettled()).toBe(true);
  expect(registry.isSettled).toBe(true);
  cluster.serves(b, ['p']);
  expect(withPattern()).toEqual(['b@h']);
});

it('waits no longer for a node that is gone', async () => {
  registry.retain();
  const b = cluster.join('b@h', 'later');
  expect(await isSettled()).toBe(false);
  cluster.leave(b);
  expect(await isSettled()).toBe(true);
});

it('gives everybody a turn', () => {
  registry.retain();
  for (const name of ['b@h', 'c@h', 'd@h']) cluster.join(name);
  expect(registry.candidatesFor('p')).toBe(registry.candidatesFor('p'));
  expect(registry.candidatesFor('p').nodes).toHaveLength(3);
});

it('finds patterns of any text and length, and no other', () => {
  const pattern = fc.oneof(
    fc.string(),
    fc.string({ minLength: 250, maxLength: 260 }),
    fc.string({ minLength: 9_000 }),
  );
  registry.retain();
  fc.assert(
    fc.property(fc.uniqueArray(pattern, { minLength: 2, maxLength: 8 }), ([missing, ...patterns]) => {
      const retract = offer(cluster.service, patterns);
      for (const each of patterns) expect(withPattern(each)).toEqual(['a@h']);
      expect(withPattern(missing)).toEqual([]);
      void retract();
      for (const each of patterns) expect(registry.candidatesFor(each).nodes).toEqual([]);
    }),
  );
  // A pattern that reads like the key of a long one.
  const long = 'x'.repeat(1_000);
  void offer(cluster.service, [long]);
  expect(withPattern(keyOf(long))).toEqual([]);
});

it('is told whole or not at all when a node has as much presence as it may', () => {
  const rooms = cluster.presences.of('rooms');
  for (let i = 0; i < 9_999; i++) rooms.track('room');
  expect(() => offer(cluster.service, ['p', 'q'])).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
  expect(cluster.offered).toEqual([]);
});

describe('closed', () => {
  it('hears nothing, and leaves no timer', async () => {
    registry.retain();
    cluster.join('c@h', 'later');
    registry.release();
    const b = cluster.join('b@h');
    cluster.leave(b);
    expect(registry.isSettled).toBe(true);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
