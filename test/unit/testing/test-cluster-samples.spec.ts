import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { INestApplicationContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ClusterService, OnClusterMessage, PeerageModule } from 'nestjs-peerage';
import { peerageMicroservice } from 'nestjs-peerage/microservices';
import { TestCluster } from 'nestjs-peerage/testing';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../../sample/07-cache-invalidation/src/app.module.js';
import { PricesService } from '../../../sample/07-cache-invalidation/src/prices.service.js';
import { GatewayController } from '../../../sample/08-microservice/src/gateway.controller.js';
import { GatewayModule } from '../../../sample/08-microservice/src/gateway.module.js';
import { WorkerModule } from '../../../sample/08-microservice/src/worker.module.js';

let apps: TestCluster<INestApplicationContext>;
afterEach(() => apps.stop());

describe('an app with a cache', () => {
  @Injectable()
  class Prices {
    private readonly cache = new Map<string, number>();

    constructor(private readonly cluster: ClusterService) {}

    change(sku: string, price: number) {
      this.cache.set(sku, price);
      this.cluster.broadcast('price.changed', { sku });
    }

    @OnClusterMessage('price.changed')
    forget({ sku }: { sku: string }) {
      this.cache.delete(sku);
    }

    @OnClusterMessage('price.count')
    count() {
      return this.cache.size;
    }

    async countOf(node: string) {
      return this.cluster.request<number>(node, 'price.count', undefined, { timeoutMs: 1_000 });
    }
  }

  it('works', async () => {
    const imports = [PeerageModule.forRoot()];
    apps = await TestCluster.start(3, () => Test.createTestingModule({ imports, providers: [Prices] }));
    const [a, b, c] = apps.nodes;

    b!.get(Prices).change('pen', 5);
    expect(await a!.get(Prices).countOf(b!.name)).toBe(1);
    a!.get(Prices).change('pen', 6);
    await apps.settle();
    expect(b!.get(Prices).count()).toBe(0);

    apps.partition([a!], [b!, c!]);
    await apps.advance(6_000);
    expect(a!.cluster.peers).toEqual([]);
    apps.heal();
    await apps.until(() => a!.cluster.peers.length === 2);

    await b!.kill();
    expect(a!.cluster.peers).toHaveLength(1);
    const d = await apps.add();
    expect(await d.get(Prices).countOf(a!.name)).toBe(1);
    await c!.close();
  });
});

describe('07-cache-invalidation', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'peerage-kit-'));
    process.env['DATABASE'] = join(folder, 'prices.json');
  });
  afterAll(() => {
    delete process.env['DATABASE'];
    rmSync(folder, { recursive: true, force: true });
  });

  it('forgets a price everywhere, and all of them after it was cut off', async () => {
    apps = await TestCluster.start(2, () => Test.createTestingModule({ imports: [AppModule] }));
    const [a, b] = apps.nodes.map((node) => node.get(PricesService));
    await a!.setPrice('tea', 3);
    await apps.settle();
    expect(await b!.priceOf('tea')).toBe(3);
    await a!.setPrice('tea', 5);
    await apps.settle();
    expect(await b!.priceOf('tea')).toBe(5);

    apps.cut(apps.nodes[0]!, apps.nodes[1]!);
    await apps.advance(10_000);
    await a!.setPrice('tea', 7);
    expect(await b!.priceOf('tea')).toBe(5);
    apps.heal();
    await apps.until(() => apps.nodes.every((node) => node.cluster.peers.length === 1));
    await apps.settle();
    expect(await b!.priceOf('tea')).toBe(7);
  });
});

describe('08-microservice', () => {
  it('counts the visits of a customer at one worker, and at another one when that is killed', async () => {
    apps = await TestCluster.start<INestApplicationContext>(
      3,
      (i) => Test.createTestingModule({ imports: [i === 0 ? GatewayModule : WorkerModule] }),
      {
        createApp: async (module, i) => {
          if (i === 0) return module.createNestApplication();
          const app = module.createNestMicroservice(peerageMicroservice());
          await app.listen();
          return app;
        },
      },
    );
    const [gateway, ...workers] = apps.nodes;
    const visits = gateway!.get(GatewayController);
    const visit = async () => (await firstValueFrom(visits.visit('alice'))).visits;
    expect([await visit(), await visit()]).toEqual([1, 2]);
    expect(await lastValueFrom(visits.all())).toEqual([{ customer: 'alice', visits: 2 }]);
    await workers[0]!.kill();
    const third = await visit();
    await workers[1]!.kill();
    await expect(visit()).rejects.toThrow('No node has a handler');
    expect([1, 3]).toContain(third);
  });
});
