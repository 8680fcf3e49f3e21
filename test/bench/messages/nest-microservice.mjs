import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { TEXT, pricesOf } from './prices.mjs';

Logger.overrideLogger(['error']);

/** @MessagePattern and @EventPattern over one of Nest's own transports. */
export function nestMicroservice(name, transport, pattern = TEXT) {
  return {
    name,
    async serve({ onEvent, nodes = 1, broker }) {
      const addresses = [];
      const apps = [];
      for (let i = 0; i < nodes; i++) {
        const options = await transport.server(broker, i);
        const app = await NestFactory.createMicroservice(
          { module: class Bench {}, controllers: [pricesOf(onEvent, pattern)] },
          { ...options, logger: ['error'] },
        );
        await app.listen();
        addresses.push(options.options.port);
        apps.push(app);
      }
      return { address: addresses, close: () => Promise.all(apps.map((app) => app.close())) };
    },
    async call(address, { broker }) {
      const clients = address.map((port) => ClientProxyFactory.create(transport.client(broker, port)));
      await Promise.all(clients.map((client) => client.connect()));
      const [first] = clients;
      // A publisher reaches all subscribers at once; a connection reaches one.
      const targets = transport.isPubSub ? [first] : clients;
      return {
        request: (data) => firstValueFrom(first.send(pattern, data)),
        event: (data) => void first.emit('price.changed', data),
        broadcast: (data) => targets.forEach((client) => client.emit('price.changed', data)),
        close: () => Promise.all(clients.map((client) => client.close())),
      };
    },
  };
}

export const tcp = {
  server: async () => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port: await freePort() } }),
  client: (_, port) => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }),
};

export const redis = {
  isPubSub: true,
  server: async (port) => ({ transport: Transport.REDIS, options: { host: '127.0.0.1', port } }),
  client: (port) => ({ transport: Transport.REDIS, options: { host: '127.0.0.1', port } }),
};

export const nats = {
  isPubSub: true,
  server: async (port) => ({ transport: Transport.NATS, options: { servers: [`nats://127.0.0.1:${port}`] } }),
  client: (port) => ({ transport: Transport.NATS, options: { servers: [`nats://127.0.0.1:${port}`] } }),
};

async function freePort() {
  const { createServer } = await import('node:net');
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
