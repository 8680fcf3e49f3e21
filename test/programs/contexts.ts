/**
 * Two apps in one process. One of them does all that an app can do with its cluster inside of an
 * `AsyncLocalStorage` run, as a request of a web server would. Prints, as JSON, which handlers and listeners saw the
 * store of that run, and whether the store is still in memory at the end. Run it with --expose-gc.
 */
import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterService, PeerageModule } from 'nestjs-peerage';

const [, , secret = 'a secret of the tests, long enough', portA = '0', portB = '0'] = process.argv;
const storage = new AsyncLocalStorage<object>();
/** What saw the store of a caller. */
const seen = new Set<string>();

const look = (where: string): void => {
  if (storage.getStore() !== undefined) seen.add(where);
};

async function start(port: string): Promise<INestApplicationContext> {
  @Module({
    imports: [
      PeerageModule.forRoot({
        appName: 'app',
        secret,
        bind: '127.0.0.1',
        port: Number(port),
        intervalMs: 200,
        via: (): string[] => {
          look('a provider');
          return [];
        },
      }),
    ],
  })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule, { logger: false });
}

const wholeStore = (): object => ({ user: 'alice', body: new Uint8Array(1 << 20) });

/** The listening side: it only answers, and is told of the other one. */
const b = await storage.run(wholeStore(), () => start(portB));
const a = await storage.run(wholeStore(), () => start(portA));
const [clusterA, clusterB] = [a.get(ClusterService), b.get(ClusterService)];

for (const [name, cluster] of [
  ['a', clusterA],
  ['b', clusterB],
] as const) {
  cluster.events$.subscribe(({ type }) => look(`${name}: ${type}`));
  cluster.handle('ask', () => {
    look(`${name}: a request`);
    return 'answer';
  });
  cluster.handle('tell', () => look(`${name}: a message`));
}

/** What a request handler of an app might do. Returns what tells whether its store is still held. */
function callerOnA(): Promise<WeakRef<object>> {
  const store = wholeStore();
  const ref = new WeakRef(store);
  return storage.run(store, async () => {
    const peer = await clusterA.connect(clusterB.self.name);
    await clusterA.poll();
    clusterA.setMeta({ version: '2' });
    for (let i = 0; i < 300; i++) void clusterA.send(peer, 'tell', i).catch(() => {});
    await Promise.all(Array.from({ length: 100 }, () => clusterA.request(peer, 'ask', null)));
    clusterA.broadcast('tell', 'x'.repeat(500_000));
    await clusterA.request(peer, 'nobody', null, { timeoutMs: 500 }).catch(() => {});
    await clusterA.disconnect(peer.name);
    await clusterA.connect(peer.name);
    await clusterA.send(peer.name, 'tell', 'the last one');
    return ref;
  });
}

const ref = await callerOnA();
// Beats, polls and messages of the other side go on.
for (let i = 0; i < 30; i++) {
  await clusterB.request(clusterA.self.name, 'ask', null);
  await clusterB.send(clusterA.self.name, 'tell', i);
  await sleep(100);
}
let isHeld = true;
for (let i = 0; i < 20 && isHeld; i++) {
  await sleep(50);
  globalThis.gc?.();
  isHeld = ref.deref() !== undefined;
}
console.log(JSON.stringify({ seen: [...seen], isHeld }));
await Promise.all([a.close(), b.close()]);
