import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerageModule } from '../../../lib/index.js';
import type { LimitOptions, PresenceChange, PresenceSpace } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';
import { oddText } from '../../support/odd-texts.js';

interface User {
  readonly name: string;
}

const makeApp = (limits: Partial<LimitOptions> = {}) => {
  @Module({ imports: [PeerageModule.forRoot({ appName: 'chat', limits })] })
  class AppModule {}
  return () => Test.createTestingModule({ imports: [AppModule] });
};

let cluster: TestCluster;
async function start(count: number, limits?: Partial<LimitOptions>): Promise<readonly TestNode[]> {
  cluster = await TestCluster.start(count, makeApp(limits));
  return cluster.nodes;
}
afterEach(() => cluster.stop());

const rooms = (node: TestNode): PresenceSpace<User> => node.cluster.presence<User>('rooms');
const seen = (node: TestNode, room?: string) =>
  rooms(node)
    .list(room)
    .map(({ key, meta, node: owner }) => `${key}: ${meta.name} on ${owner.name}`)
    .sort();

function record(node: TestNode): string[] {
  const log: string[] = [];
  rooms(node).changes$.subscribe({
    next: (change: PresenceChange<User>) => {
      for (const kind of ['joined', 'left', 'updated'] as const)
        for (const { key, meta } of change[kind]) log.push(`${kind} ${key} ${meta.name}`);
    },
    complete: () => log.push('complete'),
  });
  return log;
}

describe('presence', () => {
  it('tells every node of what one has tracked, changed and untracked', async () => {
    const [a, b, c] = await start(3);
    const log = record(c!);
    const ann = rooms(a!).track('lobby', { name: 'Ann' });
    const bob = rooms(b!).track('lobby', { name: 'Bob' });
    expect(seen(a!, 'lobby')).toEqual([`lobby: Ann on ${a!.name}`]);
    await cluster.settle();
    for (const node of [a!, b!, c!])
      expect(seen(node, 'lobby')).toEqual([`lobby: Ann on ${a!.name}`, `lobby: Bob on ${b!.name}`]);
    expect(
      rooms(c!)
        .nodes('lobby')
        .map(({ name }) => name),
    ).toEqual([a!.name, b!.name]);
    ann.update({ name: 'Anna' });
    bob.untrack();
    bob.update({ name: 'nobody' });
    await cluster.settle();
    for (const node of [a!, b!, c!]) expect(seen(node)).toEqual([`lobby: Anna on ${a!.name}`]);
    expect(log.slice(0, 2).sort()).toEqual(['joined lobby Ann', 'joined lobby Bob']);
    expect(log.slice(2).sort()).toEqual(['left lobby Bob', 'updated lobby Anna']);
  });

  it('lets two entries have one key, and tells them apart', async () => {
    const [a, b] = await start(2);
    const first = rooms(a!).track('lobby', { name: 'Ann' });
    rooms(a!).track('lobby', { name: 'Ann' });
    await cluster.settle();
    expect(
      new Set(
        rooms(b!)
          .list('lobby')
          .map(({ id }) => id),
      ).size,
    ).toBe(2);
    first.untrack();
    first.untrack();
    await cluster.settle();
    expect(rooms(b!).list('lobby')).toHaveLength(1);
  });

  it('tells a newcomer all there is, before it owns anything', async () => {
    const [a] = await start(2);
    for (let i = 0; i < 300; i++) rooms(a!).track(`room ${i}`, { name: 'x'.repeat(1_000) });
    const late = await cluster.add();
    expect(rooms(late).list()).toHaveLength(300);
  });

  it('ends with its node: killed, closed, or cut off, and comes back with it', async () => {
    const [a, b, c] = await start(3);
    for (const node of [a!, b!, c!]) rooms(node).track('here', { name: node.name });
    await cluster.settle();
    const log = record(a!);
    await b!.kill();
    await cluster.until(() => rooms(a!).list().length === 2);
    cluster.cut(a!, c!);
    await cluster.until(() => rooms(a!).list().length === 1, { withinMs: 60_000 });
    cluster.heal();
    await cluster.until(() => rooms(a!).list().length === 2, { withinMs: 60_000 });
    await cluster.settle();
    expect(seen(a!)).toEqual(seen(c!));
    await c!.close();
    expect(rooms(a!).list()).toHaveLength(1);
    expect(log).toEqual([
      `left here ${b!.name}`,
      `left here ${c!.name}`,
      `joined here ${c!.name}`,
      `left here ${c!.name}`,
    ]);
  });

  it('keeps a copy of the meta that nobody can change, and takes plain data only', async () => {
    const [a, b] = await start(2);
    const meta = { name: 'Ann' };
    rooms(a!).track('lobby', meta);
    meta.name = 'Eve';
    await cluster.settle();
    for (const node of [a!, b!]) {
      const [entry] = rooms(node).list();
      expect(entry!.meta).toEqual({ name: 'Ann' });
      expect(() => Object.assign(entry!.meta, { name: 'Eve' })).toThrow(TypeError);
    }
    for (const bad of [{ name: new Date(0) }, { name: NaN }, { name: 'x'.repeat(5_000) }])
      expect(() => rooms(a!).track('lobby', bad as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_MESSAGE' }),
      );
    expect(() => rooms(a!).track('', meta)).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
    expect(() => a!.cluster.presence('$jobs')).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
    expect(rooms(a!).list()).toHaveLength(1);
  });

  it('takes no name, key or meta that cannot be sent, and tells of all that it takes', async () => {
    const [a, b] = await start(2);
    const halved = 'Ann \ud83d';
    const refused = expect.objectContaining({ code: 'INVALID_MESSAGE' });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const meta of [{ name: halved }, JSON.parse('{"name":"Eve","__proto__":{}}'), proxy] as never[])
      expect(() => rooms(a!).track('lobby', meta)).toThrow(refused);
    expect(() => rooms(a!).track(halved, { name: 'Ann' })).toThrow(refused);
    expect(() => a!.cluster.presence(halved)).toThrow(refused);
    expect(() => a!.cluster.keys(halved)).toThrow(refused);
    const texts = fc.sample(oddText, { numRuns: 200, seed: 1 });
    for (const name of texts)
      try {
        rooms(a!).track(name, { name });
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_MESSAGE' });
      }
    await cluster.settle();
    expect(rooms(a!).list().length).toBeGreaterThan(50);
    expect(seen(b!)).toEqual(seen(a!));
  });

  it('has bounds, in entries and in bytes', async () => {
    const [a, b] = await start(2, { presenceEntries: 3, presenceBytes: 500 });
    const full = expect.objectContaining({ code: 'OVERLOADED' });
    const entries = [1, 2, 3].map((i) => rooms(a!).track(`room ${i}`, { name: 'Ann' }));
    expect(() => rooms(a!).track('room 4', { name: 'Ann' })).toThrow(full);
    expect(() => entries[0]!.update({ name: 'x'.repeat(500) })).toThrow(full);
    entries[1]!.untrack();
    rooms(a!).track('room 4', { name: 'Ann' });
    await cluster.settle();
    expect(seen(b!)).toEqual(seen(a!));
    expect(rooms(b!).list()).toHaveLength(3);
  });

  it('comes before the start, and with the name and meta that the node has by then', async () => {
    cluster = await TestCluster.start(2, (index) => {
      const builder = makeApp()();
      const { compile } = builder;
      builder.compile = async () => {
        const module = await compile.call(builder);
        const { ClusterService } = await import('../../../lib/index.js');
        module
          .get(ClusterService)
          .presence<User>('rooms')
          .track('early', { name: `node ${index}` });
        return module;
      };
      return builder;
    });
    const [a, b] = cluster.nodes;
    expect(seen(a!)).toEqual([`early: node 0 on ${a!.name}`, `early: node 1 on ${b!.name}`]);
    b!.cluster.setMeta({ zone: 'north' });
    await cluster.settle();
    for (const node of [a!, b!]) {
      const zones = new Map(
        rooms(node)
          .list()
          .map((entry) => [entry.node.name, entry.node.meta['zone']]),
      );
      expect(zones).toEqual(
        new Map([
          [a!.name, undefined],
          [b!.name, 'north'],
        ]),
      );
    }
  });

  it('lets a subscriber track while it is told, and completes on shutdown', async () => {
    const [a, b] = await start(2);
    const log = record(b!);
    rooms(b!).changes$.subscribe(({ joined }) => {
      for (const { key, meta } of joined)
        if (key !== 'echo') rooms(b!).track('echo', { name: `of ${meta.name}` });
    });
    const later = record(b!);
    rooms(a!).track('lobby', { name: 'Ann' });
    await cluster.settle();
    expect(log).toEqual(['joined lobby Ann', 'joined echo of Ann']);
    expect(later).toEqual(log);
    expect(seen(a!)).toEqual(seen(b!));
    await b!.close();
    expect(log.at(-1)).toBe('complete');
  });
});
