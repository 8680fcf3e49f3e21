import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ClusterService, PeerageModule, viaList, viaSelf } from '../../../dist/esm/index.js';

/** `ClusterService.request` and `send`, in a Nest app, as an app uses them. */
export function peerage(name, options) {
  return {
    name,
    async serve({ onEvent, nodes = 1 }) {
      const apps = [];
      for (let i = 0; i < nodes; i++) apps.push(await start(options, viaSelf()));
      for (const { cluster } of apps) {
        cluster.handle('price.get', (data) => data);
        cluster.handle('price.changed', () => onEvent());
      }
      return { address: apps.map(({ cluster }) => cluster.self.name), close: () => closeAll(apps) };
    },
    async call(address) {
      const app = await start(options, viaList(address));
      const { cluster } = app;
      const [peer] = await cluster.waitFor(address.length, { timeoutMs: 10_000 });
      return {
        request: (data) => cluster.request(peer, 'price.get', data),
        event: windowed((data) => cluster.send(peer, 'price.changed', data)),
        broadcast: (data) => roomAfter(cluster.broadcast('price.changed', data)),
        close: () => app.app.close(),
      };
    },
  };
}

/** Who is refused comes too fast. */
function roomAfter({ refused }) {
  if (refused.length > 0) throw new Error(`${refused.length} were refused`);
}

/** Room is when what was sent two windows ago has left. */
function windowed(send) {
  let sent = 0;
  let handed;
  return (data) => {
    const sending = send(data);
    if (++sent % 512 !== 0) return undefined;
    const earlier = handed;
    handed = sending;
    return earlier;
  };
}

/** A node on loopback, at a port of its own. */
export function peerageModule(options, via) {
  return PeerageModule.forRoot({
    appName: 'bench',
    host: '127.0.0.1',
    bind: '127.0.0.1',
    port: 0,
    via,
    ...options,
  });
}

async function start(options, via) {
  const app = await NestFactory.createApplicationContext(
    { module: class {}, imports: [peerageModule(options, via)] },
    { logger: ['error', 'warn'] },
  );
  return { app, cluster: app.get(ClusterService) };
}

async function closeAll(apps) {
  await Promise.all(apps.map(({ app }) => app.close()));
}
