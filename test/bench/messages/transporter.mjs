import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { lastValueFrom } from 'rxjs';
import { ClusterService, viaList, viaSelf } from '../../../dist/esm/index.js';
import { PeerageClient, peerageMicroservice } from '../../../dist/esm/microservices/index.js';
import { peerageModule } from './peerage.mjs';
import { TEXT, pricesOf } from './prices.mjs';

Logger.overrideLogger(['error']);

/** After so many events the caller waits for those of two windows ago. */
const WINDOW = 512;

/** @MessagePattern and @EventPattern over our transporter. */
export function transporter(name, options, pattern = TEXT) {
  return {
    name,
    async serve({ onEvent, nodes = 1 }) {
      const apps = [];
      for (let i = 0; i < nodes; i++)
        apps.push(await start(options, viaSelf(), [pricesOf(onEvent, pattern)]));
      const address = apps.map((app) => app.get(ClusterService).self.name);
      return { address, close: () => Promise.all(apps.map((app) => app.close())) };
    },
    async call(address) {
      const app = await start(options, viaList(address));
      const cluster = app.get(ClusterService);
      await cluster.waitFor(address.length, { timeoutMs: 10_000 });
      const client = new PeerageClient({ cluster });
      await client.connect();
      const toOne = client.to({ node: address[0] });
      const event = windowed((data) => toOne.emit('price.changed', data));
      return {
        request: (data) => lastValueFrom(client.send(pattern, data)),
        event,
        broadcast: windowed((data) => client.emit('price.changed', data)),
        close: () => app.close(),
      };
    },
  };
}

function windowed(emit) {
  let sent = 0;
  let handed;
  return (data) => {
    const emitted = emit(data);
    if (++sent % WINDOW !== 0) return undefined;
    const earlier = handed;
    handed = lastValueFrom(emitted, { defaultValue: undefined });
    return earlier;
  };
}

async function start(options, via, controllers = []) {
  const app = await NestFactory.createMicroservice(
    { module: class Bench {}, imports: [peerageModule(options, via)], controllers },
    { ...peerageMicroservice(), logger: ['error', 'warn'] },
  );
  await app.listen();
  return app;
}
