import { orAborted } from '../../time/abortable.js';
import { keepAlive } from '../registry/keep-alive.js';
import type { RegistryListener } from '../registry/registry.js';
import type { ClientSource, NodeRedisClient, RedisPort, RedisScope } from './redis-port.js';
import { GivenClient, OwnClient, untilReady } from './redis-port.js';

/** A client of the app. */
export function givenNodeRedis(client: NodeRedisClient): RedisPort {
  return nodeRedisPort(new GivenClient(client, destroyNodeRedis));
}

/** Clients of ours. */
export function ownNodeRedisClient(make: () => NodeRedisClient): OwnClient<NodeRedisClient> {
  return new OwnClient(make, destroyNodeRedis);
}

/** A client of the package `redis`. One of ours is connected by nobody else. */
export function nodeRedisPort(source: ClientSource<NodeRedisClient>): RedisPort {
  return {
    get isGiven() {
      return source.isGiven;
    },
    get scope() {
      return scopeOf(source.client);
    },
    // It shows nobody its socket.
    localAddress: undefined,
    ready: (signal) => ready(source.client, !source.isGiven, signal),
    command: (...words) => source.client.sendCommand(words),
    renew: () => source.drop(),
    close: () => source.close(),
    listen: (channel, signal, on) => listen(source.client.duplicate(), channel, signal, on),
  };
}

async function listen(
  subscriber: NodeRedisClient,
  channel: string,
  signal: AbortSignal,
  { changed, listening }: RegistryListener,
): Promise<void> {
  subscriber.on('error', () => {});
  try {
    await ready(subscriber, true, signal);
    await orAborted(subscriber.subscribe(channel, changed), signal, () => new Error('given up'));
    listening();
    // It subscribes again by itself after it has lost its connection.
    subscriber.on('ready', listening);
    await keepAlive(() => subscriber.ping(), signal);
  } finally {
    destroyNodeRedis(subscriber);
  }
}

function scopeOf({ options }: NodeRedisClient): RedisScope {
  const { database } = (options ?? {}) as { database?: unknown };
  return { database: Number(database ?? 0), keyPrefix: '' };
}

async function ready(client: NodeRedisClient, isOurs: boolean, signal: AbortSignal): Promise<void> {
  if (client.isReady) return;
  const waiting = untilReady(client, signal);
  if (isOurs && !client.isOpen) client.connect().catch(() => {});
  try {
    await waiting;
  } catch (error) {
    if (client.isOpen || isOurs) throw error;
    throw new Error('the client is not connected: call its connect() when the app starts', { cause: error });
  }
}

/** One that is connecting goes on with it when it is destroyed, and would stay connected for good. */
function destroyNodeRedis(client: NodeRedisClient): void {
  client.on('connect', () => destroy(client));
  destroy(client);
}

function destroy(client: NodeRedisClient): void {
  try {
    if (client.destroy) client.destroy();
    else Promise.resolve(client.disconnect?.()).catch(() => {});
  } catch {
    // It was closed before.
  }
}
