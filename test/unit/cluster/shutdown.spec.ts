import { Injectable, Module } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationShutdown } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterService, PeerageModule } from '../../../lib/index.js';
import type { ClusterEvent, PeerageModuleOptions } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import { deferred } from '../../support/recorder.js';

let cluster: TestCluster | undefined;
afterEach(() => cluster?.stop());

/** Talks to a peer in every hook of the end. */
@Injectable()
class Hooks implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly answers: unknown[] = [];

  constructor(private readonly service: ClusterService) {}

  beforeApplicationShutdown = () => this.ask('before');
  onApplicationShutdown = () => this.ask('after');

  private async ask(when: string): Promise<void> {
    const [peer] = this.service.peers;
    if (peer?.status === 'up') this.answers.push(await this.service.request(peer, 'echo', when));
  }
}

async function start(count: number, options: PeerageModuleOptions = {}): Promise<TestCluster> {
  @Module({ imports: [PeerageModule.forRoot({ appName: 'app', ...options })], providers: [Hooks] })
  class AppModule {}
  cluster = await TestCluster.start(count, () => Test.createTestingModule({ imports: [AppModule] }));
  for (const node of cluster.nodes) node.cluster.handle('echo', (data) => data);
  return cluster;
}

function eventsOf(service: ClusterService): string[] {
  const told: string[] = [];
  service.events$.subscribe((event: ClusterEvent) => {
    if ('peer' in event) told.push(`${event.type} ${event.peer.status}`);
  });
  return told;
}

describe('a node that shuts down', () => {
  it('is leaving for its peers, answers what is under way, and says goodbye when that is done', async () => {
    const [a, b] = (await start(2)).nodes;
    const told = eventsOf(a!.cluster);
    const gate = deferred<string>();
    b!.cluster.handle('slow', () => gate.promise);
    const answer = a!.cluster.request(b!.name, 'slow', undefined, { timeoutMs: 60_000 });
    await cluster!.settle();
    const closing = b!.close();
    await expect.poll(() => told).toEqual(['peer.leaving leaving']);
    expect(a!.cluster.peers).toMatchObject([{ status: 'leaving' }]);
    expect(await a!.cluster.request(b!.name, 'echo', 'still there')).toBe('still there');
    gate.resolve('done');
    expect(await answer).toBe('done');
    await closing;
    expect(told).toEqual(['peer.leaving leaving', 'peer.down leaving']);
  });

  it('can call others in every hook of the end', async () => {
    const [, b] = (await start(2)).nodes;
    await b!.close();
    expect(b!.get(Hooks).answers).toEqual(['before', 'after']);
    expect(() => b!.cluster.broadcast('x')).toThrow(expect.objectContaining({ code: 'NOT_RUNNING' }));
  });

  it('waits no longer than it is told to', async () => {
    const [a, b] = (await start(2, { shutdown: { drainMs: 2_000 } })).nodes;
    b!.cluster.handle('never', () => new Promise(() => {}));
    const answer = a!.cluster.request(b!.name, 'never', undefined, { timeoutMs: 60_000 });
    const asked = b!.cluster.request(a!.name, 'never', undefined, { timeoutMs: 60_000 });
    a!.cluster.handle('never', () => new Promise(() => {}));
    const codes = Promise.all(
      [answer, asked].map((each) => each.catch(({ code }: { code: string }) => code)),
    );
    await cluster!.settle();
    await b!.close();
    expect(await codes).toEqual(['PEER_GONE', 'NOT_RUNNING']);
  });

  it('says goodbye at once when it may not wait at all', async () => {
    const [a, b] = (await start(2, { shutdown: { drainMs: 0 } })).nodes;
    const told = eventsOf(a!.cluster);
    b!.cluster.handle('never', () => new Promise(() => {}));
    const answer = a!.cluster.request(b!.name, 'never').catch(({ code }: { code: string }) => code);
    await cluster!.settle();
    await b!.close();
    expect(await answer).toBe('PEER_GONE');
    expect(told).toEqual(['peer.down up']);
  });

  it('does not wait for a peer that is cut off to hear of it', async () => {
    const [a, b, c] = (await start(3)).nodes;
    cluster!.cut(a!, b!);
    const told = eventsOf(c!.cluster);
    await b!.close();
    expect(told).toEqual(['peer.leaving leaving', 'peer.down leaving']);
  });
});
