import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, Param, Put } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ClusterService, OnClusterMessage, PeerageModule, viaDns } from 'nestjs-peerage';
import { TestCluster } from 'nestjs-peerage/testing';
import type { TestNode } from 'nestjs-peerage/testing';
import { afterEach, expect, it } from 'vitest';
import { handlesReleased, openHandles } from '../support/open-handles.js';

@Controller('prices')
class PricesController {
  private readonly prices = new Map<string, string>();

  constructor(private readonly cluster: ClusterService) {}

  @Get(':product')
  get(@Param('product') product: string): string {
    return this.prices.get(product) ?? 'unknown';
  }

  @Put(':product/:price')
  put(@Param() change: { product: string; price: string }): void {
    this.changed(change);
    this.cluster.broadcast('price.changed', change);
  }

  @OnClusterMessage('price.changed')
  changed({ product, price }: { product: string; price: string }): void {
    this.prices.set(product, price);
  }
}

@Module({
  imports: [PeerageModule.forRoot({ via: viaDns({ dnsName: 'shop.invalid' }), secret: 'x'.repeat(32) })],
  controllers: [PricesController],
})
class AppModule {}

let apps: TestCluster<INestApplication> | undefined;
afterEach(() => apps?.stop());

/** One request to the server of a node, as supertest makes it: by a port of its own. */
async function ask({ app }: TestNode<INestApplication>, path: string, method = 'GET'): Promise<string> {
  const server: Server = app.getHttpServer();
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const headers = { connection: 'close' };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
  return response.text();
}

it('the HTTP handlers of a node reach the other nodes of a TestCluster', async () => {
  const before = openHandles();
  apps = await TestCluster.start(3, () => Test.createTestingModule({ imports: [AppModule] }), {
    createApp: (module) => module.createNestApplication(),
  });
  const [a, b, c] = apps.nodes;
  await ask(a!, '/prices/pen/5', 'PUT');
  await apps.settle();
  expect([await ask(b!, '/prices/pen'), await ask(c!, '/prices/pen')]).toEqual(['5', '5']);
  apps.partition([a!], [b!, c!]);
  await ask(a!, '/prices/pen/6', 'PUT');
  await apps.settle();
  expect([await ask(b!, '/prices/pen'), await ask(a!, '/prices/pen')]).toEqual(['5', '6']);
  await b!.kill();
  await apps.stop();
  expect(await handlesReleased(before)).toEqual({});
});
