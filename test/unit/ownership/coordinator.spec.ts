import { Injectable, Logger, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, OnCoordinator, PeerageModule } from '../../../lib/index.js';
import type { PeerageModuleOptions } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';

@Injectable()
class Janitor {
  leads = false;
  readonly seen: (string | undefined)[] = [];

  constructor(cluster: ClusterService) {
    cluster.coordinator$.subscribe({
      next: (node) => this.seen.push(node?.name),
      complete: () => this.seen.push('complete'),
    });
  }

  @OnCoordinator()
  async lead({ signal }: { signal: AbortSignal }): Promise<void> {
    this.leads = true;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    this.leads = false;
  }
}

let cluster: TestCluster;
async function start(count: number, options: PeerageModuleOptions = {}): Promise<readonly TestNode[]> {
  @Module({ imports: [PeerageModule.forRoot({ appName: 'app', ...options })], providers: [Janitor] })
  class AppModule {}
  cluster = await TestCluster.start(count, () => Test.createTestingModule({ imports: [AppModule] }));
  return cluster.nodes;
}
afterEach(async () => {
  vi.restoreAllMocks();
  await cluster.stop();
});

const leaders = (nodes: readonly TestNode[] = cluster.nodes): TestNode[] =>
  nodes.filter((node) => node.get(Janitor).leads);

describe('the coordinator', () => {
  it('is one node, all know which, and its method runs', async () => {
    const nodes = await start(3);
    await cluster.advance(1_100);
    const [leader, ...others] = leaders();
    expect(others).toEqual([]);
    for (const node of nodes) {
      expect(node.cluster.coordinator?.name).toBe(leader!.name);
      expect(node.cluster.isCoordinator).toBe(node === leader);
      expect(node.cluster.hasQuorum).toBe(true);
      expect(node.get(Janitor).seen.at(-1)).toBe(leader!.name);
    }
  });

  it('is another one when it is killed or closed', async () => {
    await start(3);
    await cluster.advance(1_100);
    const first = leaders()[0]!;
    await first.kill();
    await cluster.until(() => leaders().length === 1);
    const second = leaders()[0]!;
    await second.close();
    expect(second.get(Janitor).leads).toBe(false);
    expect(second.get(Janitor).seen.at(-1)).toBe('complete');
    await cluster.until(() => leaders().length === 1);
    expect(leaders()[0]!.get(Janitor).seen.slice(-2)).toEqual([second.name, leaders()[0]!.name]);
  });

  it('is nobody before a node that is alone has waited for others', async () => {
    const [node] = await start(1);
    expect(node!.cluster.coordinator).toBeUndefined();
    await cluster.advance(3_100);
    expect(node!.cluster.isCoordinator).toBe(true);
    expect(node!.get(Janitor).leads).toBe(false);
    await cluster.advance(1_100);
    expect(node!.get(Janitor).leads).toBe(true);
  });
});

describe('a quorum', () => {
  // Of five nodes everybody watches everybody, of fifteen not.
  it.each([5, 15])(
    'keeps the side without a majority from leading, before the other side leads, of %i nodes',
    async (of) => {
      const nodes = await start(of, { quorum: { of } });
      await cluster.advance(1_100);
      const old = leaders()[0]!;
      const minority = [old, ...nodes.filter((node) => node !== old).slice(0, (of - 3) / 2)];
      const majority = nodes.filter((node) => !minority.includes(node));
      cluster.partition(minority, majority);
      for (let passedMs = 0; leaders(majority).length === 0; passedMs += 50) {
        await cluster.advance(50);
        expect(leaders().length).toBeLessThanOrEqual(1);
        expect(passedMs).toBeLessThan(30_000);
      }
      expect(leaders()).toHaveLength(1);
      for (const node of minority) {
        expect(node.cluster.hasQuorum).toBe(false);
        expect(node.cluster.coordinator).toBeUndefined();
        expect(node.get(Janitor).seen.at(-1)).toBeUndefined();
      }
      cluster.heal();
      await cluster.until(() => nodes.every((node) => node.cluster.peers.length === of - 1), {
        withinMs: 60_000,
      });
      await cluster.advance(3_000);
      expect(leaders()).toEqual([old]);
    },
  );

  it('is not there while fewer than a majority have started', async () => {
    await start(2, { quorum: { of: 5 } });
    await cluster.advance(10_000);
    expect(leaders()).toEqual([]);
    await cluster.add();
    await cluster.advance(3_000);
    expect(leaders()).toHaveLength(1);
  });

  it('warns, once on each node, when more nodes are seen than there may be', async () => {
    await start(2, { quorum: { of: 2 } });
    const warn = vi.spyOn(Logger.prototype, 'warn');
    await cluster.add();
    await cluster.add();
    await cluster.advance(5_000);
    const warnings = warn.mock.calls.filter(([text]) => String(text).includes('quorum.of'));
    expect(warnings).toHaveLength(cluster.nodes.length);
  });
});
