/**
 * Several nodes in one process, for measurements of large clusters: an app for each of the ports in the first
 * argument. `wait <peers>` on standard input is answered by `whole` when each has so many, `load` by what the
 * process uses.
 */
import 'reflect-metadata';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterService, PeerageModule, viaList } from 'nestjs-peerage';
import type { DownLine, ManyNodesConfig } from './node-config.js';

const { ports, seeds, secret, host = '127.0.0.1' } = JSON.parse(process.argv[2] ?? '{}') as ManyNodesConfig;

@Module({})
class AppModule {}

async function startNode(port: number): Promise<ClusterService> {
  const options = { appName: 'app', secret, host, bind: host, port, logResults: false };
  const imports = [PeerageModule.forRoot({ ...options, via: viaList([...seeds]) })];
  const app = await NestFactory.createApplicationContext({ module: AppModule, imports }, { logger: false });
  const cluster = app.get(ClusterService);
  cluster.on('peer.down', ({ peer, reason, at }) => {
    const line: DownLine = {
      type: 'down',
      by: cluster.self.name,
      about: peer.name,
      reason,
      atMs: at.getTime(),
    };
    print(line);
  });
  return cluster;
}

function print(message: unknown): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function wait(nodes: readonly ClusterService[], peers: number): Promise<void> {
  while (!nodes.every((node) => node.peers.length >= peers)) await sleep(100);
  print({ type: 'whole' });
}

function load(): void {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  print({ type: 'load', heapBytes: heapUsed + external, rssBytes: rss });
}

const nodes = await Promise.all(ports.map((port) => startNode(port)));
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'load') load();
  else void wait(nodes, Number(line.replace('wait ', '')));
});
print({ type: 'started' });
