import { Injectable, Module } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  ClusterService,
  OnClusterMessage,
  OnPeerDown,
  OnPeerUp,
  PeerageModule,
  viaDns,
} from '../../../lib/index.js';
import type { ClusterEventOf, PeerDownEvent } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';
import { handlesReleased, openHandles } from '../../support/open-handles.js';

@Injectable()
class PricesService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly prices = new Map<string, number>();
  readonly log: string[] = [];

  constructor(private readonly cluster: ClusterService) {}

  onApplicationBootstrap(): void {
    this.log.push(`bootstrap ${this.cluster.self.name}`);
  }

  beforeApplicationShutdown(): void {
    this.log.push('shutdown');
  }

  async change(product: string, price: number): Promise<void> {
    await Promise.resolve();
    this.prices.set(product, price);
    this.cluster.broadcast('price.changed', { product, price });
  }

  @OnClusterMessage('price.changed')
  changed({ product, price }: { product: string; price: number }): void {
    this.prices.set(product, price);
  }

  @OnClusterMessage('price.of')
  async of(product: string): Promise<number | undefined> {
    await Promise.resolve();
    return this.prices.get(product);
  }

  @OnPeerUp()
  up({ peer }: ClusterEventOf<'peer.up'>): void {
    this.log.push(`up ${peer.name}`);
  }

  @OnPeerDown()
  down({ peer, reason }: PeerDownEvent): void {
    this.log.push(`down ${peer.name} ${reason}`);
  }
}

/** As in production: nothing of it may be opened, and nobody be asked. */
@Module({
  imports: [
    PeerageModule.forRoot({
      appName: 'shop',
      via: viaDns({ dnsName: 'shop.invalid', nameservers: ['192.0.2.1'] }),
      host: '192.0.2.7',
      bind: '192.0.2.7',
      port: 1,
      secret: 'a secret of 32 bytes, or of more…',
      waitFor: { peers: 20, timeoutMs: 60_000, reject: true },
      syncOffsetMs: 60_000,
      meta: { version: '1.2.3' },
    }),
  ],
  providers: [PricesService],
})
class AppModule {}

const makeApp = () => Test.createTestingModule({ imports: [AppModule] });
const namesOf = (nodes: readonly { readonly name: string }[]): string[] => nodes.map(({ name }) => name);
const logOf = (node: TestNode): string[] => node.get(PricesService).log;

let cluster: TestCluster;
const start = async (count: number): Promise<TestNode[]> => {
  cluster = await TestCluster.start(count, makeApp);
  return [...cluster.nodes];
};
afterEach(() => cluster.stop());

describe('a cluster of apps in one process', () => {
  it('starts with all nodes each other’s peers, by the options that are not of the network', async () => {
    const [a, b, c] = await start(3);
    expect(namesOf([a!, b!, c!])).toEqual(['shop@10.0.0.1', 'shop@10.0.0.2', 'shop@10.0.0.3']);
    for (const node of [a!, b!, c!])
      expect(namesOf(node.cluster.peers)).toEqual(namesOf([a!, b!, c!]).filter((name) => name !== node.name));
    expect(a!.cluster.peers[0]!.meta).toEqual({ version: '1.2.3' });
    expect(logOf(a!)[0]).toBe('bootstrap shop@10.0.0.1');
    expect(a!.app).toBe(a!.module);
  });

  it('opens no socket and asks no nameserver', async () => {
    const before = openHandles();
    await start(3);
    expect(await handlesReleased(before)).toEqual({});
    await cluster.advance(60_000);
    expect(await handlesReleased(before)).toEqual({});
    await cluster.stop();
    expect(await handlesReleased(before)).toEqual({});
  });

  it('carries messages at once, in a time that stands still', async () => {
    const [a, b, c] = await start(3);
    await a!.get(PricesService).change('pen', 5);
    await cluster.settle();
    expect([b!, c!].map((node) => node.get(PricesService).prices.get('pen'))).toEqual([5, 5]);
    expect(await c!.cluster.request(a!.name, 'price.of', 'pen')).toBe(5);
  });

  it('lets requests run out of time when time is moved', async () => {
    const [a, b] = await start(2);
    b!.cluster.handle('never', () => new Promise(() => {}));
    const asked = a!.cluster
      .request(b!.name, 'never', 1, { timeoutMs: 3_000 })
      .catch((error: unknown) => error);
    await cluster.advance(2_900);
    let isOver = false;
    void asked.then(() => (isOver = true));
    await cluster.settle();
    expect(isOver).toBe(false);
    await cluster.advance(200);
    expect(isOver).toBe(true);
    expect(await asked).toMatchObject({ code: 'REQUEST_TIMEOUT' });
  });

  it('lets a wait for peers run out of time', async () => {
    const [a] = await start(2);
    let code: unknown;
    a!.cluster.waitFor(5, { timeoutMs: 60_000 }).catch((error: { code: unknown }) => (code = error.code));
    await cluster.advance(59_000);
    expect(code).toBeUndefined();
    await cluster.advance(1_000);
    expect(code).toBe('WAIT_TIMEOUT');
  });

  it('stands still while nodes are killed, closed and added', async () => {
    const [a, b, c, d] = await start(4);
    b!.cluster.handle('never', () => new Promise(() => {}));
    let isOver = false;
    const over = (): void => void (isOver = true);
    a!.cluster.request(b!.name, 'never', 1, { timeoutMs: 300 }).then(over, over);
    await c!.kill();
    await d!.close();
    await cluster.add();
    expect(isOver).toBe(false);
    await cluster.advance(320);
    expect(isOver).toBe(true);
  });

  it('notices a partition, and becomes whole again', async () => {
    const [a, b, c] = await start(3);
    cluster.partition([a!], [b!, c!]);
    await cluster.advance(1_000);
    expect(a!.cluster.peers).toHaveLength(2);
    await cluster.advance(6_000);
    expect(a!.cluster.peers).toEqual([]);
    expect(namesOf(b!.cluster.peers)).toEqual([c!.name]);
    expect(logOf(b!).at(-1)).toBe(`down ${a!.name} timeout`);
    cluster.heal();
    await cluster.advance(3_000);
    expect(namesOf(a!.cluster.peers)).toEqual(namesOf([b!, c!]));
    expect(namesOf(b!.cluster.peers)).toEqual(namesOf([a!, c!]));
  });

  it('delivers what was sent into a short cut, and nothing of it to others', async () => {
    const [a, b, c] = await start(3);
    cluster.cut(a!, b!);
    await a!.get(PricesService).change('pen', 5);
    await cluster.advance(1_000);
    expect([b!, c!].map((node) => node.get(PricesService).prices.get('pen'))).toEqual([undefined, 5]);
    cluster.heal();
    await cluster.settle();
    expect(b!.get(PricesService).prices.get('pen')).toBe(5);
    expect(logOf(b!).filter((line) => line.startsWith('down'))).toEqual([]);
  });

  it('cuts one direction alone', async () => {
    const [a, b] = await start(2);
    cluster.cutOneWay(a!, b!);
    await a!.get(PricesService).change('pen', 5);
    await b!.get(PricesService).change('ink', 6);
    await cluster.settle();
    expect(b!.get(PricesService).prices.get('pen')).toBeUndefined();
    expect(a!.get(PricesService).prices.get('ink')).toBe(6);
  });

  it('sees a killed node go at once, which hears and says nothing more', async () => {
    const [a, b, c] = await start(3);
    const asked = b!.cluster.request(a!.name, 'price.of', 'pen').catch((error: unknown) => error);
    const said = logOf(b!).length;
    await b!.kill();
    expect(logOf(a!).at(-1)).toBe(`down ${b!.name} closed`);
    expect(namesOf(a!.cluster.peers)).toEqual([c!.name]);
    expect(namesOf(cluster.nodes)).toEqual(namesOf([a!, c!]));
    expect(b!.isRunning).toBe(false);
    await cluster.advance(30_000);
    expect(logOf(b!)).toHaveLength(said);
    await expect(b!.cluster.send(a!.name, 'x')).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(await asked).toMatchObject({ code: 'NOT_RUNNING' });
    await cluster.stop();
    expect(logOf(b!).slice(said)).toEqual(['shutdown']);
  });

  it('kills a node that others cannot reach', async () => {
    const [a, b] = await start(2);
    cluster.cut(a!, b!);
    await b!.kill();
    expect(a!.cluster.peers).toHaveLength(1);
    await cluster.until(() => a!.cluster.peers.length === 0);
    expect(logOf(a!).at(-1)).toBe(`down ${b!.name} timeout`);
  });

  it('closes a node with a goodbye', async () => {
    const [a, b] = await start(2);
    await b!.close();
    expect(logOf(a!).at(-1)).toBe(`down ${b!.name} left`);
    expect(logOf(b!)).toContain('shutdown');
    expect(namesOf(cluster.nodes)).toEqual([a!.name]);
  });

  it('takes in another replica', async () => {
    const [a, b] = await start(2);
    await b!.kill();
    const c = await cluster.add();
    expect(c.name).toBe('shop@10.0.0.3');
    expect(namesOf(c.cluster.peers)).toEqual([a!.name]);
    expect(await c.cluster.request(a!.name, 'price.of', 'pen')).toBeUndefined();
  });

  it('stops while its nodes are killed, cut and asked', async () => {
    const before = openHandles();
    const [a, b, c] = await start(4);
    a!.cluster.handle('never', () => new Promise(() => {}));
    const asked = c!.cluster.request(a!.name, 'never').catch(({ code }: { code: string }) => code);
    cluster.partition([a!], [c!]);
    await b!.kill();
    await cluster.advance(3_000);
    await Promise.all([cluster.stop(), cluster.stop()]);
    expect(['PEER_GONE', 'NOT_RUNNING']).toContain(await asked);
    expect(cluster.nodes).toEqual([]);
    expect(await handlesReleased(before)).toEqual({});
  });

  it('answers probes, so that liveness is judged as in production', async () => {
    const [a] = await start(3);
    const probesOf = (node: TestNode) =>
      node.cluster.explain().names.flatMap(({ liveness }) => liveness?.probes ?? []);
    await cluster.advance(30_000);
    expect(probesOf(a!)).toEqual(['answered', 'answered']);
    expect(a!.cluster.explain().notes).toEqual([]);
  });

  it('polls by its schedule', async () => {
    const [a] = await start(2);
    let polls = 0;
    a!.cluster.on('poll', () => void polls++);
    await cluster.advance(60_000);
    expect(polls).toBeGreaterThanOrEqual(5);
    expect(polls).toBeLessThanOrEqual(8);
  });

  it('gives the dates of its time', async () => {
    const startMs = Date.now();
    const [a] = await start(2);
    const dates: Date[] = [];
    a!.cluster.on('peer.up', ({ at }) => void dates.push(at));
    await cluster.advance(600_000);
    const c = await cluster.add();
    const [at] = dates;
    expect(at!.getTime() - startMs).toBeGreaterThanOrEqual(600_000);
    expect(at!.getTime() - startMs).toBeLessThan(660_000);
    for (const { connectedAt } of [a!.cluster.peer(c.name)!, c.cluster.peer(a!.name)!])
      expect(Math.abs(connectedAt.getTime() - at!.getTime())).toBeLessThan(100);
  });

  it('says how its nodes see each other when something does not come to hold', async () => {
    const [a, b] = await start(2);
    await expect(cluster.until(() => false, { withinMs: 100 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      message: expect.stringMatching(new RegExp(`within 100 ms[^]*${a!.name}:[^]*${b!.name}: \\S`)),
    });
  });

  it('goes beside faked timers', async () => {
    vi.useFakeTimers();
    try {
      const [a, b] = await start(2);
      await b!.kill();
      await cluster.advance(1_000);
      expect(a!.cluster.peers).toEqual([]);
      await cluster.stop();
    } finally {
      vi.useRealTimers();
    }
  });
});
