import { Controller, Injectable, Logger, Scope } from '@nestjs/common';
import type { ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  ClusterService,
  OnClusterMessage,
  OnPeerUp,
  PeerageModule,
  RemoteError,
} from '../../../lib/index.js';
import type { ClusterEventOf, MessageContext } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';
import { CapturedLog } from '../../support/captured-log.js';

let apps: TestCluster;
let log: CapturedLog;
afterEach(() => apps.stop());

async function start(...parts: readonly ModuleMetadata[]): Promise<TestNode[]> {
  log = new CapturedLog();
  Logger.overrideLogger(['debug', 'log', 'warn', 'error', 'verbose', 'fatal']);
  apps = await TestCluster.start(parts.length, (i) => {
    const imports = [PeerageModule.forRoot({ appName: 'app' })];
    return Test.createTestingModule({ imports, ...parts[i] }).setLogger(log);
  });
  return [...apps.nodes];
}

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
    const [a, b] = await start({}, { providers: [Prices], controllers: [Audit] });
    expect(a!.cluster.broadcast('price.changed', { sku: 'A' })).toEqual({ handed: 1, refused: [] });
    await a!.cluster.send(b!.name, 'price.removed', new Set(['B']));
    await apps.settle();
    expect(b!.get(Prices).changes).toEqual([
      { data: { sku: 'A' }, from: a!.name, topic: 'price.changed' },
      { data: new Set(['B']), from: a!.name, topic: 'price.removed' },
    ]);
    expect(b!.get(Audit).seen).toEqual([{ sku: 'A' }]);
    expect(await a!.cluster.request(b!.name, 'price.get', 'A')).toBe(5n);
    const error = await a!.cluster
      .request(a!.cluster.peers[0]!, 'price.get', 'C')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      message: 'no price of C',
      remoteName: 'RangeError',
      node: b!.name,
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
    const started = await start(
      { providers: [Greeter, listener] },
      { providers: [Greeter, listener] },
      { providers: [Greeter, listener] },
    );
    await apps.settle();
    const expected = started.flatMap(({ name }) => [`hello ${name}`, `hello ${name}`]);
    expect(greetings.toSorted()).toEqual(expected.toSorted());
  });

  it('are not for providers of which there is no single one, and those are told', async () => {
    const [a, b] = await start({}, { providers: [PerRequest] });
    expect(log.matching('PerRequest.never will not hear price.changed')).toHaveLength(1);
    a!.cluster.broadcast('price.changed', 1);
    await apps.settle();
    expect(log.matching('which nobody here handles')).toHaveLength(1);
    expect(b!.cluster.explain().notes).toContain(
      '1 messages came on topics that nobody here handles: "price.changed" (1).',
    );
  });

  it('end with the app: what waits rejects, and nothing is sent before the start or after the end', async () => {
    const [a, b] = await start({}, {});
    const name = b!.name;
    b!.cluster.handle('never', () => new Promise(() => {}));
    const asked = a!.cluster.request(name, 'never', 1).catch((error: unknown) => error);
    await a!.close();
    expect(await asked).toMatchObject({ code: 'NOT_RUNNING' });
    await expect(a!.cluster.send(name, 'x', 1)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    await expect(a!.cluster.request(name, 'x', 1)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    expect(() => a!.cluster.broadcast('x', 1)).toThrow(expect.objectContaining({ code: 'NOT_RUNNING' }));
  });

  it('to a peer that is gone reject at once', async () => {
    const [a, b] = await start({}, {});
    b!.cluster.handle('never', () => new Promise(() => {}));
    const [peer] = a!.cluster.peers;
    const asked = a!.cluster
      .request(peer!, 'never', 1, { timeoutMs: 60_000 })
      .catch((error: unknown) => error);
    await b!.close();
    expect(await asked).toMatchObject({ code: 'PEER_GONE' });
    await expect(a!.cluster.request(peer!, 'never', 1)).rejects.toMatchObject({ code: 'PEER_GONE' });
    await expect(a!.cluster.request(peer!.name, 'never', 1)).rejects.toMatchObject({ code: 'NO_SUCH_PEER' });
  });
});
