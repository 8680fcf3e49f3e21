import { Controller, Inject } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterService } from '../../../lib/index.js';
import type { PeerageClient } from '../../../lib/microservices/index.js';
import type { TestCluster } from '../../../lib/testing/index.js';
import { CLIENT, startInMemory } from '../../support/apps/microservice-nodes.js';

@Controller()
class Serving {
  readonly heard: unknown[] = [];
  constructor(@Inject(ClusterService) readonly cluster: ClusterService) {}

  @MessagePattern('ask')
  answer(data: unknown): unknown {
    this.heard.push(data);
    return this.cluster.self.name;
  }

  @EventPattern('tell')
  tell(data: unknown): void {
    this.heard.push(data);
  }
}

let cluster: TestCluster<INestApplication>;
let client: PeerageClient;
let heard: () => unknown[];
let serverName: string;

beforeEach(async () => {
  cluster = await startInMemory({ serves: 'never' }, { controllers: [Serving] });
  const [a, b] = cluster.nodes;
  client = a!.get<PeerageClient>(CLIENT);
  heard = () => b!.get(Serving).heard;
  serverName = b!.name;
});
afterEach(() => cluster.stop());

const tell = (data: unknown): Promise<unknown> =>
  lastValueFrom(client.emit('tell', data), { defaultValue: undefined }).then(() => 'delivered');
const ask = (data: unknown): Promise<unknown> => lastValueFrom(client.send('ask', data));
/** How it ended: never silence. */
const endOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    ({ code }: { code: unknown }) => code,
  );

describe('a client that is closed in the tick', () => {
  it('of its first event has delivered it', async () => {
    const told = tell('first');
    client.close();
    expect(await endOf(told)).toBe('delivered');
    await vi.waitFor(() => expect(heard()).toEqual(['first']));
  });

  it('of its first event, which nobody waits for, has delivered it', async () => {
    client.emit('tell', 'first');
    client.close();
    await vi.waitFor(() => expect(heard()).toEqual(['first']));
  });

  it('of its first request fails it, and it is not sent', async () => {
    const answer = ask('first');
    client.close();
    expect(await endOf(answer)).toBe('ABORTED');
    await tell('later');
    await vi.waitFor(() => expect(heard()).toEqual(['later']));
  });

  it('of several of both ends each, and can be used again', async () => {
    const ends = [tell(1), ask(2), tell(3), ask(4)].map(endOf);
    client.close();
    client.close();
    expect(await Promise.all(ends)).toEqual(['delivered', 'ABORTED', 'delivered', 'ABORTED']);
    expect(await ask(5)).toBe(serverName);
    client.close();
    const again = endOf(ask(6));
    client.close();
    expect(await again).toBe('ABORTED');
    await vi.waitFor(() => expect(heard()).toEqual([1, 3, 5]));
  });
});

describe('an app that is closed in the tick', () => {
  it('of the first event and request of its client ends both', async () => {
    const [told, answer] = [endOf(tell('last')), endOf(ask('last'))];
    const closed = cluster.nodes[0]!.close();
    const wasDelivered = (await told) === 'delivered';
    expect(['ABORTED', 'NOT_RUNNING', serverName]).toContain(await answer);
    await closed;
    if (wasDelivered) await vi.waitFor(() => expect(heard()).toContain('last'));
    else expect(await told).toBe('NOT_RUNNING');
  });

  it('and is over leaves a client that says so, by whatever route', async () => {
    await ask('first');
    const [node, server] = [cluster.nodes[0]!, serverName];
    await node.close();
    expect(await endOf(ask('late'))).toBe('NOT_RUNNING');
    expect(await endOf(tell('late'))).toBe('NOT_RUNNING');
    for (const route of [{ node: server }, { key: 'k' }, 'nearest', 'all'] as const)
      expect(await endOf(lastValueFrom(client.to(route).send('ask', 'late')))).toBe('NOT_RUNNING');
  });
});
