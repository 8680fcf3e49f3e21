import { Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterService, OnClusterMessage, OnPeerUp, PeerageModule } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import { deferred } from '../../support/recorder.js';

let cluster: TestCluster | undefined;
afterEach(async () => {
  gates.length = 0;
  await cluster?.stop();
});

/** What the second node waits for in its bootstrap. */
const gates: ReturnType<typeof deferred>[] = [];

@Injectable()
class Talkative {
  readonly heard: string[] = [];

  @OnPeerUp()
  up(): void {
    this.heard.push('up');
  }

  @OnClusterMessage('news')
  news(text: string): void {
    this.heard.push(text);
  }

  @OnClusterMessage('question')
  question(): string {
    this.heard.push('question');
    return 'answer';
  }
}

@Injectable()
class Slow implements OnApplicationBootstrap {
  answer: unknown;
  registered: unknown[] = [];

  constructor(private readonly service: ClusterService) {}

  async onApplicationBootstrap(): Promise<void> {
    const gate = gates.shift();
    if (!gate) return;
    const [peer] = await this.service.waitFor(1);
    this.answer = await this.service.request(peer!, 'question');
    await gate.promise;
    this.service.handle('late', (data) => void this.registered.push(data));
  }
}

@Module({ providers: [Talkative, Slow], imports: [PeerageModule.forRoot({ appName: 'app' })] })
class AppModule {}

const factory = () => Test.createTestingModule({ imports: [AppModule] });

describe('while an app bootstraps', () => {
  it('what peers send waits, and what it asks of them is answered', async () => {
    cluster = await TestCluster.start(1, factory);
    const [first] = cluster.nodes;
    const gate = deferred<unknown>();
    gates.push(gate);
    const adding = cluster.add();
    await expect.poll(() => first!.get(Talkative).heard).toEqual(['up', 'question']);
    const [peer] = first!.cluster.peers;
    let answer: unknown;
    void first!.cluster
      .request(peer!, 'question', undefined, { timeoutMs: 60_000 })
      .then((got) => (answer = got));
    await first!.cluster.send(peer!, 'news', 'first');
    first!.cluster.broadcast('news', 'second');
    first!.cluster.broadcast('late', 'third');
    await cluster.settle();
    const held = cluster.nodes.at(-1)!;
    expect(held.get(Slow).answer).toBe('answer');
    expect(held.get(Talkative).heard).toEqual([]);
    expect(answer).toBeUndefined();
    gate.resolve(undefined);
    const second = await adding;
    await cluster.settle();
    expect(second.get(Talkative).heard).toEqual(['up', 'question', 'first', 'second']);
    expect(second.get(Slow).registered).toEqual(['third']);
    expect(answer).toBe('answer');
  });

  it('keeps what comes from a peer that goes meanwhile', async () => {
    cluster = await TestCluster.start(2, factory);
    const [first, gone] = cluster.nodes;
    const gate = deferred<unknown>();
    gates.push(gate);
    const adding = cluster.add();
    await cluster.until(() => gone!.cluster.peers.length === 2);
    const newcomer = gone!.cluster.peers.find(({ name }) => name !== first!.name)!;
    await gone!.cluster.send(newcomer, 'news', 'last words');
    await cluster.settle();
    await gone!.close();
    gate.resolve(undefined);
    const third = await adding;
    await cluster.settle();
    expect(third.get(Talkative).heard).toContain('last words');
  });
});

describe('the end of bootstrap', () => {
  it.each([
    ['has a hook of its own', true],
    ['has none', false],
  ])('is known when the last module %s', async (_what, hasHook) => {
    const order: string[] = [];
    @Module({ imports: [AppModule] })
    class Root {}
    if (hasHook)
      Object.assign(Root.prototype, { onApplicationBootstrap: async () => void order.push('hook of root') });
    cluster = await TestCluster.start(2, () => Test.createTestingModule({ imports: [Root] }));
    const [a, b] = cluster.nodes;
    expect(await a!.cluster.request(b!.name, 'question')).toBe('answer');
    expect(order).toEqual(hasHook ? ['hook of root', 'hook of root'] : []);
  });
});
