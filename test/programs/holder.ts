/**
 * A node that holds keys, leads, and has presence: it says on its standard output what begins and ends, and when, and
 * tells whom it sees when it is asked. Its configuration comes as JSON in its first argument.
 */
import 'reflect-metadata';
import { createInterface } from 'node:readline';
import { Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterService, OnCoordinator, PeerageModule, viaList } from 'nestjs-peerage';
import type { Held } from 'nestjs-peerage';
import type { HolderConfig } from './holder-config.js';

const config = JSON.parse(process.argv[2] ?? '{}') as HolderConfig;

@Injectable()
class Holder implements OnApplicationBootstrap {
  constructor(private readonly cluster: ClusterService) {}

  onApplicationBootstrap(): void {
    for (const key of config.keys) this.cluster.keys('keys').hold(key, (held) => this.run(key, held));
    this.cluster.presence('processes').track('process', { pid: process.pid });
  }

  @OnCoordinator()
  lead(held: Held): Promise<void> {
    return this.run('the lead', held);
  }

  pids(): number[] {
    const entries = this.cluster.presence<{ pid: number }>('processes').list('process');
    return entries.map(({ meta }) => meta.pid).sort((a, b) => a - b);
  }

  private async run(key: string, { signal }: Held): Promise<void> {
    console.log(`begin ${Date.now()} ${key}`);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    console.log(`end ${Date.now()} ${key}`);
  }
}

@Module({
  imports: [PeerageModule.forRoot({ ...config.options, via: viaList([...config.names]) })],
  providers: [Holder],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule);
app.enableShutdownHooks();
const holder = app.get(Holder);
createInterface({ input: process.stdin }).on('line', () => console.log(`sees ${holder.pids().join(' ')}`));
console.log('ready');
