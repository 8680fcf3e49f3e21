/**
 * One replica of an app behind a load balancer: it answers HTTP, for which it asks other replicas, and handles
 * what they ask. Its configuration comes as JSON in its first argument.
 */
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Inject, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, MessagePattern } from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ClusterService, OnClusterMessage, PeerageModule, viaList } from 'nestjs-peerage';
import { PeerageClient, peerageClient, peerageMicroservice } from 'nestjs-peerage/microservices';
import { firstValueFrom } from 'rxjs';
import type { ReplicaConfig } from './replica-config.js';

const config = JSON.parse(process.argv[2] ?? '{}') as ReplicaConfig;

@Controller()
class Replica {
  constructor(
    private readonly cluster: ClusterService,
    @Inject('REPLICAS') private readonly replicas: PeerageClient,
  ) {}

  /** Asks others before, between and after: what a request does when it is under way while its process is to end. */
  @Get('work')
  async work(@Query('ms') ms: string): Promise<unknown> {
    const steps: unknown[] = [];
    for (let step = 0; step < 3; step++) {
      steps.push(await this.ask(step, Number(ms) / 3));
      await sleep(Number(ms) / 3);
    }
    return { by: this.cluster.self.bootId, steps };
  }

  /** Never answers, unless the node ends. */
  @Get('hang')
  hang(): Promise<unknown> {
    return firstValueFrom(this.replicas.send('hang', 0));
  }

  @MessagePattern('half')
  async half({ of, ms }: { of: number; ms: number }): Promise<number> {
    await sleep(ms);
    return of / 2;
  }

  @MessagePattern('hang')
  hangs(): Promise<never> {
    return new Promise(() => {});
  }

  @OnClusterMessage('double')
  async double({ of, ms }: { of: number; ms: number }): Promise<number> {
    await sleep(ms);
    return of * 2;
  }

  private async ask(step: number, ms: number): Promise<unknown> {
    const of = Math.random();
    const half = await firstValueFrom(this.replicas.to(ROUTES[step]!).send('half', { of, ms }));
    const peer = this.cluster.peers.find(({ status }) => status === 'up');
    const double = peer && (await this.cluster.request<number>(peer, 'double', { of: half, ms }));
    if (double !== undefined && Math.abs(double - of) > 1e-9) throw new Error(`${double} is not ${of}`);
    return peer?.name ?? 'alone';
  }
}

const ROUTES = ['any', 'nearest', { key: 'the same for all' }] as const;

@Module({
  imports: [
    PeerageModule.forRoot({ ...config.options, via: viaList([...config.names]) }),
    ClientsModule.registerAsync([peerageClient('REPLICAS')]),
  ],
  controllers: [Replica],
})
class AppModule {}

const app =
  config.http === 'fastify'
    ? await NestFactory.create(AppModule, new FastifyAdapter())
    : await NestFactory.create(AppModule);
app.connectMicroservice(peerageMicroservice());
app.enableShutdownHooks();
await app.startAllMicroservices();
await app.listen(config.port, '127.0.0.1');
console.log('ready');
if (config.closeOn) process.once(config.closeOn, () => void app.close());
