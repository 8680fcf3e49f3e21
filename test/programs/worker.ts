/**
 * One of several processes of a host: a Nest app whose options come from the environment, and which keeps a file
 * about itself in the folder STATUS. With WORKERS it is the primary that forks so many of them.
 */
import 'reflect-metadata';
import cluster from 'node:cluster';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterService, PeerageModule } from 'nestjs-peerage';
import type { WorkerStatus } from './worker-status.js';

@Module({ imports: [PeerageModule.forRoot()] })
class AppModule {}

async function work(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  const node = app.get(ClusterService);
  const folder = process.env['STATUS'] ?? '.';
  node.peers$.subscribe((peers) => {
    const { name, bootId } = node.self;
    const status: WorkerStatus = { name, bootId, pid: process.pid, peers: peers.map((peer) => peer.bootId) };
    const file = join(folder, `${process.pid}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(status));
    renameSync(`${file}.new`, file);
  });
}

const workers = Number(process.env['WORKERS'] ?? 0);
if (cluster.isPrimary && workers > 0) {
  for (let i = 0; i < workers; i += 1) cluster.fork();
  // As a process manager does it.
  cluster.on('exit', (_worker, _code, signal) => {
    if (signal === 'SIGKILL') cluster.fork();
  });
  process.once('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill('SIGTERM');
  });
} else {
  await work();
}
