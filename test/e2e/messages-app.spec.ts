import { Controller, Injectable, Scope } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, OnClusterMessage, OnPeerUp, RemoteError } from '../../lib/index.js';
import type { ClusterEventOf, MessageContext } from '../../lib/index.js';
import { TalkingApps } from '../support/talking-apps.js';

const apps = new TalkingApps();
afterEach(() => apps.stop());

@Injectable()
class Prices {
  readonly changes: unknown[] = [];
  private readonly prices = new Map([['A', 5n]]);

  @OnClusterMessage('price.get')
  async get(sku: string): Promise<bigint> {
    const price = this.prices.get(sku);
    if (price === undefined) throw new RangeError(`no price of ${sku}`);
    return Promise.resolve(price);
  }

  @OnClusterMessage('price.changed')
  @OnClusterMessage('price.removed')
  changed(data: unknown, { peer, topic }: MessageContext): void {
    this.changes.push({ data, from: peer.name, topic });
  }
}

@Controller()
class Audit {
  readonly seen: unknown[] = [];

  @OnClusterMessage('price.changed')
  note(data: unknown): void {
    this.seen.push(data);
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  @OnClusterMessage('price.changed')
  never(): void {
    throw new Error('nobody calls this');
  }
}

@Injectable()
class Greeter {
  constructor(private readonly cluster: ClusterService) {}

  @OnPeerUp()
  greet({ peer }: ClusterEventOf<'peer.up'>): Promise<void> {
    return this.cluster.send(peer, 'greeting', `hello ${peer.name}`);
  }
}

describe('messages between apps', () => {
  it('reach decorated methods, and their answers come back', async () => {
    const [a, b] = await apps.start({}, { providers: [Prices], controllers: [Audit] });
    expect(a!.cluster.broadcast('price.changed', { sku: 'A' })).toEqual({ handed: 1, refused: [] });
    await a!.cluster.send(b!.cluster.self.name, 'price.removed', new Set(['B']));
    await vi.waitFor(() => expect(b!.app.get(Prices).changes).toHaveLength(2));
    expect(b!.app.get(Prices).changes).toEqual([
      { data: { sku: 'A' }, from: a!.cluster.self.name, topic: 'price.changed' },
      { data: new Set(['B']), from: a!.cluster.self.name, topic: 'price.removed' },
    ]);
    expect(b!.app.get(Audit).seen).toEqual([{ sku: 'A' }]);
    expect(await a!.cluster.request(b!.cluster.self.name, 'price.get', 'A')).toBe(5n);
    const error = await a!.cluster
      .request(a!.cluster.peers[0]!, 'price.get', 'C')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      message: 'no price of C',
      remoteName: 'RangeError',
      node: b!.cluster.self.name,
    });
    await expect(a!.cluster.request(a!.cluster.peers[0]!, 'price.changed', 1)).rejects.toMatchObject({
      code: 'AMBIGUOUS_HANDLER',
      message: expect.stringContaining('Audit.note, Prices.changed'),
    });
  });

  it('reach a new peer from its first moment', async () => {
    const greetings: string[] = [];
    const listener = {
      useFactory: (cluster: ClusterService) =>
        cluster.handle('greeting', (text: string) => void greetings.push(text)),
      inject: [ClusterService],
      provide: 'listener',
    };
    const started = await apps.start(
      { providers: [Greeter, listener] },
      { providers: [Greeter, listener] },
      { providers: [Greeter, listener] },
    );
    await vi.waitFor(() => expect(greetings).toHaveLength(6));
    const expected = started.flatMap(({ cluster }) => [
      `hello ${cluster.self.name}`,
      `hello ${cluster.self.name}`,
    ]);
    expect(greetings.toSorted()).toEqual(expected.toSorted());
  });

  it('are not for providers of which there is no single one, and those are told', async () => {
    const [a, b] = await apps.start({}, { providers: [PerRequest] });
    expect(b!.log.matching('PerRequest.never will not hear price.changed')).toHaveLength(1);
    a!.cluster.broadcast('price.changed', 1);
    await vi.waitFor(() => expect(b!.log.matching('which nobody here handles')).toHaveLength(1));
    expect(b!.cluster.explain().notes).toContain(
      '1 messages came on topics that nobody here handles: "price.changed" (1).',
    );
  });

  it('end with the app: what waits rejects, and nothing is sent before the start or after the end', async () => {
    const [a, b] = await apps.start({}, {});
    const name = b!.cluster.self.name;
    b!.cluster.handle('never', () => new Promise(() => {}));
    const asked = a!.cluster.request(name, 'never', 1).catch((error: unknown) => error);
    await a!.app.close();
    expect(await asked).toMatchObject({ code: 'NOT_RUNNING' });
    await expect(a!.cluster.send(name, 'x', 1)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    await expect(a!.cluster.request(name, 'x', 1)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(a!.cluster.broadcast('x', 1)).toEqual({ handed: 0, refused: [] });
  });

  it('said at the very end arrive', async () => {
    const [a, b] = await apps.start({}, {});
    const received: number[] = [];
    b!.cluster.handle('last', ({ i }: { i: number }) => void received.push(i));
    for (let i = 0; i < 500; i++)
      a!.cluster.broadcast('last', { i, bytes: Buffer.alloc(i % 50 === 0 ? 200_000 : 10) });
    await a!.app.close();
    await vi.waitFor(() => expect(received).toHaveLength(500));
    expect(received).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });

  it('to a peer that is gone reject at once', async () => {
    const [a, b] = await apps.start({}, {});
    b!.cluster.handle('never', () => new Promise(() => {}));
    const [peer] = a!.cluster.peers;
    const asked = a!.cluster
      .request(peer!, 'never', 1, { timeoutMs: 60_000 })
      .catch((error: unknown) => error);
    await b!.app.close();
    expect(await asked).toMatchObject({ code: 'PEER_GONE' });
    await expect(a!.cluster.request(peer!, 'never', 1)).rejects.toMatchObject({ code: 'PEER_GONE' });
    await expect(a!.cluster.request(peer!.name, 'never', 1)).rejects.toMatchObject({ code: 'NO_SUCH_PEER' });
  });
});
