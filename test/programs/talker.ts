/**
 * A node that asks its friends again and again, and answers. Told its options as JSON; a line on standard input has it
 * print, as JSON, how that went and what memory is in use. Run it with --expose-gc.
 */
import 'reflect-metadata';
import { createInterface } from 'node:readline';
import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern } from '@nestjs/microservices';
import { ClusterService, OnClusterMessage, OnPeerDown, PeerageModule, viaList } from 'nestjs-peerage';
import type { ClusterEventOf, PeerageModuleOptions } from 'nestjs-peerage';
import { PeerageServer } from 'nestjs-peerage/microservices';

interface TalkerConfig extends Omit<PeerageModuleOptions, 'via'> {
  readonly list: string[];
  /** Names of peers that are asked. */
  readonly friends: string[];
}

const { list, friends, ...options } = JSON.parse(process.argv[2] ?? '{}') as TalkerConfig;
const ASK_EVERY_MS = 20;

const report = { asked: 0, answered: 0, faults: [] as string[], friendsDown: 0 };

@Injectable()
class Friend {
  @OnClusterMessage('echo')
  echo(data: unknown): unknown {
    return data;
  }

  @OnPeerDown()
  down({ peer }: ClusterEventOf<'peer.down'>): void {
    if (friends.includes(peer.name)) report.friendsDown += 1;
  }
}

@Controller()
class SumController {
  @MessagePattern('sum')
  sum(numbers: unknown): number {
    return Array.isArray(numbers) ? numbers.length : 0;
  }
}

@Module({
  imports: [PeerageModule.forRoot({ ...options, via: viaList(list) })],
  providers: [Friend],
  controllers: [SumController],
})
class AppModule {}

async function ask(cluster: ClusterService, friend: string): Promise<void> {
  const data = { number: (report.asked += 1), text: 'x'.repeat(report.asked % 2_000) };
  try {
    const answer = await cluster.request<typeof data>(friend, 'echo', data, { timeoutMs: 30_000 });
    if (JSON.stringify(answer) === JSON.stringify(data)) report.answered += 1;
    else report.faults.push(`a wrong answer: ${JSON.stringify(answer).slice(0, 100)}`);
  } catch (error) {
    report.faults.push((error as Error).message);
  }
}

const app = await NestFactory.create(AppModule, { logger: false });
app.connectMicroservice({ strategy: new PeerageServer({ cluster: app.get(ClusterService) }) });
await app.startAllMicroservices();
await app.init();
const cluster = app.get(ClusterService);

createInterface({ input: process.stdin }).on('line', () => {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  console.log(JSON.stringify({ ...report, peers: cluster.peers.length, heldBytes: heapUsed + external }));
});

await cluster.waitFor(friends.length, { timeoutMs: 30_000 });
console.log('ready');
for (;;) {
  for (const friend of friends) void ask(cluster, friend);
  await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
}
