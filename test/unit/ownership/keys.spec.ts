import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterService, PeerageModule } from '../../../lib/index.js';
import type { Held } from '../../../lib/index.js';
import { NodeViews } from '../../../lib/cluster/view/node-views.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';
import { CapturedLog } from '../../support/captured-log.js';
import { ODD_THROWN } from '../../support/odd-thrown.js';

const KEYS = ['news', 'sports', 'weather', 'music', 'film', 'stage', 'chess', 'go'];

/** What each node does for the keys it holds. */
@Injectable()
class Feeds {
  readonly running = new Set<string>();
  readonly log: string[] = [];

  constructor(private readonly cluster: ClusterService) {}

  hold(): void {
    for (const key of KEYS) this.cluster.keys('feeds').hold(key, (held) => this.run(held));
  }

  private async run({ key, signal }: Held): Promise<void> {
    this.running.add(key);
    this.log.push(`begin ${key}`);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.running.delete(key);
    this.log.push(`end ${key}`);
  }
}

@Module({ imports: [PeerageModule.forRoot({ appName: 'app' })], providers: [Feeds] })
class AppModule {}

let cluster: TestCluster;
async function start(count: number): Promise<readonly TestNode[]> {
  cluster = await TestCluster.start(count, () => Test.createTestingModule({ imports: [AppModule] }));
  for (const node of cluster.nodes) node.get(Feeds).hold();
  await cluster.settle();
  return cluster.nodes;
}
afterEach(() => cluster.stop());

/** How many hold each key. */
const holders = (nodes: readonly TestNode[] = cluster.nodes): number[] =>
  KEYS.map((key) => nodes.filter((node) => node.get(Feeds).running.has(key)).length);
const everyKeyOnce = KEYS.map(() => 1);

describe('keys that are held', () => {
  it('are held by one node each, a handover after the nodes have found each other', async () => {
    const nodes = await start(3);
    await cluster.advance(900);
    expect(holders()).toEqual(KEYS.map(() => 0));
    await cluster.advance(200);
    expect(holders()).toEqual(everyKeyOnce);
    for (const key of KEYS) {
      const owner = nodes[0]!.cluster.keys('feeds').ownerOf(key)!;
      const holder = nodes.find((node) => node.get(Feeds).running.has(key))!;
      expect(owner.name).toBe(holder.name);
      expect(holder.cluster.keys('feeds').owns(key)).toBe(true);
      expect(holder.get(NodeViews).own().holds).toContain(`${key} of feeds`);
    }
    await cluster.advance(60_000);
    expect(nodes.flatMap((node) => node.get(Feeds).log)).toHaveLength(KEYS.length);
  });

  it('move to a newcomer: let go before it holds them', async () => {
    const nodes = await start(2);
    await cluster.advance(1_100);
    const late = await cluster.add();
    late.get(Feeds).hold();
    await cluster.settle();
    const moving = KEYS.filter((key) => late.cluster.keys('feeds').owns(key));
    expect(moving.length).toBeGreaterThan(0);
    expect(KEYS.filter((_, i) => holders()[i] === 0)).toEqual(moving);
    await cluster.advance(1_100);
    expect([...late.get(Feeds).running].sort()).toEqual(moving.toSorted());
    expect(holders()).toEqual(everyKeyOnce);
    expect(
      nodes.flatMap((node) => node.get(Feeds).log.filter((line) => line.startsWith('end'))).sort(),
    ).toEqual(moving.map((key) => `end ${key}`).sort());
  });

  it('count for a node that is back after a split at once, before it has told what it holds', async () => {
    const [a, b] = (await start(2)) as [TestNode, TestNode];
    await cluster.advance(1_100);
    const ownersSeenBy = (node: TestNode): unknown[] =>
      KEYS.map((key) => node.cluster.keys('feeds').ownerOf(key)?.name);
    const whole = ownersSeenBy(a);
    expect(new Set(whole).size).toBe(2);
    cluster.partition([a], [b]);
    await cluster.advance(10_000);
    expect(ownersSeenBy(a)).toEqual(KEYS.map(() => a.name));
    const seen: unknown[] = [];
    a.cluster.on('peer.up', () => void seen.push(ownersSeenBy(a)));
    cluster.heal();
    await cluster.settle();
    expect(seen[0]).toEqual(whole);
  });

  it('move when their holder is killed, and when it is closed', async () => {
    const nodes = await start(4);
    await cluster.advance(1_100);
    await nodes[0]!.kill();
    await cluster.until(() => holders().every((count) => count === 1));
    await nodes[1]!.close();
    expect(nodes[1]!.get(Feeds).running.size).toBe(0);
    await cluster.until(() => holders().every((count) => count === 1));
  });

  it('are held on both sides of a split, and by one when it heals', async () => {
    const nodes = await start(4);
    await cluster.advance(1_100);
    const sides = [nodes.slice(0, 2), nodes.slice(2)] as const;
    cluster.partition(...sides);
    await cluster.until(() => sides.every((side) => holders(side).every((count) => count === 1)), {
      withinMs: 60_000,
    });
    cluster.heal();
    await cluster.until(() => nodes.every((node) => node.cluster.peers.length === 3), { withinMs: 60_000 });
    await cluster.advance(1_100);
    expect(holders()).toEqual(everyKeyOnce);
  });

  it('belong only to nodes that have opened their space, and not to one that has closed it', async () => {
    const nodes = await start(2);
    const gateway = await cluster.add();
    await cluster.advance(1_100);
    expect(holders()).toEqual(everyKeyOnce);
    expect(gateway.get(Feeds).running.size).toBe(0);
    await nodes[0]!.cluster.keys('feeds').close();
    expect(nodes[0]!.get(Feeds).running.size).toBe(0);
    await cluster.advance(1_100);
    expect(nodes[1]!.get(Feeds).running.size).toBe(KEYS.length);
  });
});

describe('a hold', () => {
  it('ends when it is released, and tells when what ran has ended', async () => {
    const [node] = await start(1);
    await cluster.advance(3_100);
    const keys = node!.cluster.keys('other');
    let end = (): void => {};
    const hold = keys.hold('slow', async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise<void>((resolve) => (end = resolve));
    });
    expect(hold.isHeld).toBe(false);
    await cluster.advance(1_100);
    expect(hold.isHeld).toBe(true);
    let isReleased = false;
    void hold.release().then(() => (isReleased = true));
    expect(hold.isHeld).toBe(false);
    await cluster.advance(5_000);
    expect(isReleased).toBe(false);
    end();
    await cluster.settle();
    expect(isReleased).toBe(true);
    await keys.hold('never begun', () => {}).release();
    await hold.release();
  });

  it('is begun again when it fails, which is logged; an AbortError after the signal is no failure', async () => {
    const [node] = await start(1);
    const log = new CapturedLog();
    node!.module.useLogger(log);
    await cluster.advance(3_100);
    let runs = 0;
    const keys = node!.cluster.keys('other');
    keys.hold('failing', () => {
      runs++;
      throw new Error('no luck');
    });
    const polite = keys.hold('polite', async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      signal.throwIfAborted();
    });
    await cluster.advance(1_100);
    expect(runs).toBe(1);
    await cluster.advance(1_000);
    expect(runs).toBe(2);
    await polite.release();
    const errors = log.lines.filter((line) => line.includes('failed'));
    expect(errors).toHaveLength(2);
    expect(errors[0]).toContain(
      'What holds "failing" of "other" failed: no luck. It is begun again in a while.',
    );
  });

  it('waits for the work of another one with its key on this node, also of before the space was closed', async () => {
    const [node] = await start(1);
    await cluster.advance(3_100);
    const ends: (() => void)[] = [];
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, (running += 1));
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
    };
    const open = () => node!.cluster.keys('again');
    const holds = [open().hold('key', work), open().hold('key', work)];
    await cluster.advance(2_100);
    expect(holds.map(({ isHeld }) => isHeld)).toEqual([true, false]);
    void open().close();
    const third = open().hold('key', work);
    await cluster.advance(5_000);
    expect([third.isHeld, running]).toEqual([false, 1]);
    ends.shift()!();
    await cluster.advance(1_100);
    expect([third.isHeld, running, most]).toEqual([true, 1, 1]);
    ends.shift()!();
    await cluster.settle();
  });

  it.each(ODD_THROWN)('ends nothing but itself when it throws %s', async (_what, make) => {
    const [node] = await start(1);
    const log = new CapturedLog();
    node!.module.useLogger(log);
    await cluster.advance(3_100);
    let runs = 0;
    const hold = node!.cluster.keys('odd').hold('key', async ({ signal }) => {
      runs++;
      if (runs > 1) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      throw make();
    });
    await cluster.advance(3_000);
    expect(runs).toBe(2);
    await hold.release();
    expect(log.lines.filter((line) => line.includes('failed'))).toHaveLength(2);
  });

  it('needs a key, and a space that is open', async () => {
    const [node] = await start(1);
    const keys = node!.cluster.keys('other');
    expect(() => keys.hold('', () => {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(() => node!.cluster.keys('')).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
    await keys.close();
    expect(() => keys.hold('key', () => {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(node!.cluster.keys('other')).not.toBe(keys);
  });

  it('ends before goodbye is said', async () => {
    const nodes = await start(2);
    await cluster.advance(1_100);
    const told: string[] = [];
    nodes[1]!.cluster.on('peer.leaving', () => told.push('leaving'));
    nodes[1]!.cluster.on('peer.down', () => told.push('down'));
    let end = (): void => {};
    const hold = nodes[0]!.cluster.keys('mine').hold('key', async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      told.push('aborted');
      await new Promise<void>((resolve) => (end = resolve));
      told.push('ended');
    });
    await cluster.advance(1_100);
    expect(hold.isHeld).toBe(true);
    const closing = nodes[0]!.close();
    await cluster.settle();
    await cluster.advance(300);
    end();
    await closing;
    expect(told).toEqual(['aborted', 'ended', 'leaving', 'down']);
  });
});
