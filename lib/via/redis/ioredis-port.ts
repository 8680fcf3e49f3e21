import { orAborted } from '../../time/abortable.js';
import { keepAlive } from '../registry/keep-alive.js';
import type { RegistryListener } from '../registry/registry.js';
import type { ClientSource, IoredisClient, RedisPort, RedisScope } from './redis-port.js';
import { GivenClient, NotReadyError, OwnClient, untilReady } from './redis-port.js';

/** A client of the app. */
export function givenIoredis(client: IoredisClient): RedisPort {
  return ioredisPort(new GivenClient(client, end));
}

/** Clients of ours. */
export function ownIoredisClient(make: () => IoredisClient): OwnClient<IoredisClient> {
  return new OwnClient(make, end);
}

function end(client: IoredisClient): void {
  client.disconnect();
}

/** A client of the package `ioredis`. */
export function ioredisPort(source: ClientSource<IoredisClient>): RedisPort {
  return {
    get isGiven() {
      return source.isGiven;
    },
    get scope() {
      return scopeOf(source.client);
    },
    get localAddress() {
      return localAddressOf(source.client);
    },
    ready: (signal) => ready(source.client, signal),
    command: async (command, ...args) => {
      const { client } = source;
      if (!source.isGiven) await intoDatabase(client);
      return client.call(command, ...args);
    },
    renew: () => source.drop(),
    close: () => source.close(),
    listen: (channel, signal, on) => listen(subscriberOf(source.client), channel, signal, on),
  };
}

/**
 * A connection that only listens. A `Redis` subscribes again by itself after it has lost its connection, but nobody
 * hears when that fails, and an unheard rejection ends the process: so we do it. A `Cluster` takes no such option,
 * and hears it itself.
 */
function subscriberOf(client: IoredisClient): IoredisClient {
  if (client.isCluster) return client.duplicate();
  const single = client as unknown as { duplicate(options: { autoResubscribe: false }): IoredisClient };
  return single.duplicate({ autoResubscribe: false });
}

async function listen(
  subscriber: IoredisClient,
  channel: string,
  signal: AbortSignal,
  { changed, listening }: RegistryListener,
): Promise<void> {
  subscriber.on('error', () => {});
  subscriber.on('message', changed);
  try {
    await ready(subscriber, signal);
    await orAborted(subscriber.subscribe(channel), signal, () => new Error('given up'));
    listening();
    const lost = new Promise<never>((_resolve, reject) => {
      subscriber.on('ready', () => void subscriber.subscribe(channel).then(listening, reject));
    });
    await Promise.race([lost, keepAlive(() => subscriber.ping(), signal)]);
  } finally {
    subscriber.disconnect();
  }
}

/** ioredis goes on in database 0, without a word, when the server does not let it into another one. */
async function intoDatabase(client: IoredisClient): Promise<void> {
  const { database } = scopeOf(client);
  if (database !== 0) await client.call('SELECT', String(database));
}

function localAddressOf(client: IoredisClient): string | undefined {
  const connections = client.isCluster ? (client.nodes?.() ?? []) : [client];
  return connections.map(({ stream }) => stream?.localAddress).find((each) => each !== undefined);
}

function scopeOf({ options }: IoredisClient): RedisScope {
  const { db, keyPrefix } = (options ?? {}) as { db?: unknown; keyPrefix?: unknown };
  return {
    database: Number(db ?? 0),
    keyPrefix: typeof keyPrefix === 'string' || Buffer.isBuffer(keyPrefix) ? keyPrefix.toString() : '',
  };
}

async function ready(client: IoredisClient, signal: AbortSignal): Promise<void> {
  if (client.status === 'ready') return;
  if (client.status === 'end') throw new Error('the client was closed');
  const waiting = untilReady(client, signal);
  // `lazyConnect`: nobody has used it so far. What goes wrong is an event as well.
  if (client.status === 'wait') client.connect().catch(() => {});
  try {
    await waiting;
  } catch (error) {
    if (!(error instanceof NotReadyError) || client.status !== 'connect') throw error;
    throw new NotReadyError('there is a connection, but the server is not ready', { cause: error });
  }
}
