import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerageModule } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';

@Module({ imports: [PeerageModule.forRoot({ appName: 'app' })] })
class AppModule {}
const makeApp = () => Test.createTestingModule({ imports: [AppModule] });
const KEYS = Array.from({ length: 200 }, (_, i) => `key ${i}`);

let cluster: TestCluster;
const start = async (count: number): Promise<readonly TestNode[]> => {
  cluster = await TestCluster.start(count, makeApp);
  return cluster.nodes;
};
afterEach(() => cluster.stop());

/** Who says of itself that it owns each key. */
const owners = (): string[][] =>
  KEYS.map((key) => cluster.nodes.filter((node) => node.cluster.owns(key)).map(({ name }) => name));

describe('the owner of a key', () => {
  it('is one node, and all agree who', async () => {
    const nodes = await start(4);
    KEYS.forEach((key, i) => {
      const owner = nodes[0]!.cluster.ownerOf(key);
      expect(nodes.map((node) => node.cluster.ownerOf(key).name)).toEqual(nodes.map(() => owner.name));
      expect(owners()[i]).toEqual([owner.name]);
    });
    expect(new Set(owners().flat()).size).toBe(4);
  });

  it('moves when it is killed, and only its keys do', async () => {
    const nodes = await start(3);
    const before = owners();
    await nodes[1]!.kill();
    await cluster.until(() => nodes[0]!.cluster.peers.length === 1 && nodes[2]!.cluster.peers.length === 1);
    owners().forEach((now, i) => {
      expect(now).toHaveLength(1);
      if (before[i]![0] !== nodes[1]!.name) expect(now).toEqual(before[i]);
    });
  });

  it('is never one that shuts down', async () => {
    const nodes = await start(3);
    const closing = nodes[2]!.close();
    await cluster.settle();
    expect(KEYS.some((key) => nodes[2]!.cluster.owns(key))).toBe(false);
    expect(KEYS.some((key) => nodes[0]!.cluster.ownerOf(key).name === nodes[2]!.name)).toBe(false);
    await closing;
  });

  it('may be looked for among some of them', async () => {
    const nodes = await start(4);
    nodes.forEach((node, i) => node.cluster.setMeta({ isWorker: i > 1 }));
    await cluster.settle();
    const among = ({ meta }: { meta: Readonly<Record<string, unknown>> }) => meta['isWorker'] === true;
    for (const key of KEYS) {
      const names = new Set(nodes.map((node) => node.cluster.ownerOf(key, { among })?.name));
      expect(names.size).toBe(1);
      expect([nodes[2]!.name, nodes[3]!.name]).toContain([...names][0]);
      expect(nodes.filter((node) => node.cluster.owns(key, { among }))).toHaveLength(1);
    }
    expect(nodes[0]!.cluster.ownerOf('key', { among: () => false })).toBeUndefined();
    expect(nodes[0]!.cluster.owns('key', { among: () => false })).toBe(false);
  });
});

describe('a node that has just started', () => {
  it('owns nothing while it is alone, until it has waited for others', async () => {
    const [node] = await start(1);
    let isSettled = false;
    void node!.cluster.settled.then(() => (isSettled = true));
    await cluster.advance(2_900);
    expect(node!.cluster.owns('key')).toBe(false);
    expect(isSettled).toBe(false);
    expect(node!.cluster.ownerOf('key').name).toBe(node!.name);
    await cluster.advance(200);
    expect(node!.cluster.owns('key')).toBe(true);
    expect(isSettled).toBe(true);
  });

  it('owns its share at once when it finds others, and they have not let it settle before', async () => {
    await start(2);
    const late = await cluster.add();
    expect(KEYS.some((key) => late.cluster.owns(key))).toBe(true);
    for (const names of owners()) expect(names).toHaveLength(1);
  });

  it('says so when it ends before', async () => {
    const [node] = await start(1);
    await node!.close();
    await expect(node!.cluster.settled).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
