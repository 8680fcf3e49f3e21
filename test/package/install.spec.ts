import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { App } from './support/app.js';
import { manifest, optionalPeers, pinned, requiredPeers } from './support/commands.js';

const tarball = inject('tarball');
const workshop = inject('workshop');

const subpaths = Object.keys(manifest.exports ?? {})
  .filter((path) => path !== '.' && path !== './package.json')
  .map((path) => path.replace('./', 'nestjs-peerage/'));

/** Starts an app with the module in it, asks who it is, and ends it. */
const BOOT = `
  import 'reflect-metadata';
  import { NestFactory } from '@nestjs/core';
  import { ClusterService, PeerageModule } from 'nestjs-peerage';
  const module = PeerageModule.forRoot({ appName: 'packed', bind: '127.0.0.1' });
  const app = await NestFactory.createApplicationContext(module, { logger: ['error', 'warn'] });
  console.log(app.get(ClusterService).self.name.replace(/:\\d+$/, ''));
  await app.close();
`;

/** The same with providers from the environment; says which of them failed, and why. */
const BOOT_BY_ENVIRONMENT = `
  import 'reflect-metadata';
  import { NestFactory } from '@nestjs/core';
  import { ClusterService, PeerageModule } from 'nestjs-peerage';
  Object.assign(process.env, { PEERAGE_APP_NAME: 'packed', PEERAGE_BIND: '127.0.0.1' });
  process.env.PEERAGE_VIA = 'self:,redis://127.0.0.1:9,postgres://a@127.0.0.1:9/db';
  const app = await NestFactory.createApplicationContext(PeerageModule.forRoot(), { logger: false });
  const { providers } = await app.get(ClusterService).poll();
  console.log(providers.map(({ provider, error }) => provider + ': ' + (error?.message ?? 'well')).join('\\n'));
  await app.close();
`;

const CLUSTER = `
  import 'reflect-metadata';
  import { Test } from '@nestjs/testing';
  import { PeerageModule } from 'nestjs-peerage';
  import { TestCluster } from 'nestjs-peerage/testing';
  const imports = [PeerageModule.forRoot({ appName: 'packed' })];
  const cluster = await TestCluster.start(3, () => Test.createTestingModule({ imports }));
  const [a, b] = cluster.nodes;
  b.cluster.handle('double', (n) => 2 * n);
  const answer = await a.cluster.request(b.name, 'double', 21);
  await b.kill();
  console.log(answer, a.cluster.peers.map((peer) => peer.name).join());
  await cluster.stop();
`;

const CONSUMER = `
  import { Injectable, Module } from '@nestjs/common';
  import { ClusterService, PeerageModule } from 'nestjs-peerage';

  @Injectable()
  class Greeter {
    constructor(private readonly cluster: ClusterService) {}
    greet(): string {
      return this.cluster.peers.map((peer) => peer.name).join();
    }
  }

  @Module({ imports: [PeerageModule.forRoot({ appName: 'consumer' })], providers: [Greeter] })
  export class AppModule {}

  // @ts-expect-error: no such option, so the declarations are really read
  PeerageModule.forRoot({ nmae: 'a@b' });
`;

describe('an app on the versions of this repository', () => {
  let app: App;
  beforeAll(() => {
    app = new App(workshop, 'current');
    app.install(tarball, ...requiredPeers.map(pinned), pinned('@types/node'));
  });

  it('needs no optional peer for the main entry', () => {
    const present = optionalPeers.filter((name) => existsSync(join(app.folder, 'node_modules', name)));
    expect(present).toEqual([]);
    expect(app.load('nestjs-peerage')).toBe('loaded');
    // Of @nestjs/testing it takes the types only.
    expect(app.load('nestjs-peerage/testing')).toBe('loaded');
  });

  it('boots', () => {
    expect(app.run(BOOT)).toBe('packed@127.0.0.1');
  });

  it('boots with PEERAGE_VIA of a provider whose package is not there, and says what to install', () => {
    const lines = app.run(BOOT_BY_ENVIRONMENT).split('\n');
    expect(lines).toEqual([
      'self: well',
      expect.stringMatching(/^redis: .*npm install ioredis/),
      expect.stringMatching(/^postgres: .*npm install pg/),
    ]);
  });

  it.each(['typescript', 'typescript-7'] as const)('type-checks with %s and skipLibCheck off', (compiler) => {
    expect(app.typeErrors(compiler, CONSUMER)).toEqual([]);
  });

  it('loads every subpath once the optional peers are there', () => {
    app.install(...optionalPeers.map(pinned));
    expect(subpaths.map((path) => [path, app.load(path)])).toEqual(subpaths.map((path) => [path, 'loaded']));
  });

  it('tests a cluster in one process', () => {
    expect(app.run(CLUSTER)).toBe('42 packed@10.0.0.3');
  });
});
