import { orAborted } from '../../time/abortable.js';
import type { NodeRedisClient, RedisPort } from './redis-port.js';
import { untilAbort, untilReady } from './redis-port.js';

/** A client of the package `redis`. `isOurs`: nobody else connects it, and it is closed after use. */
export function nodeRedisPort(client: NodeRedisClient, isOurs: boolean): RedisPort {
  return {
    ready: (signal) => ready(client, isOurs, signal),
    command: (...words) => client.sendCommand(words),
    close: () => (isOurs ? destroy(client) : undefined),
    async listen(channel, signal, { heard, listening }) {
      const subscriber = client.duplicate();
      subscriber.on('error', () => {});
      try {
        await ready(subscriber, true, signal);
        await orAborted(subscriber.subscribe(channel, heard), signal, () => new Error('given up'));
        listening();
        // It subscribes again by itself after it has lost its connection.
        subscriber.on('ready', listening);
        await untilAbort(signal);
      } finally {
        destroy(subscriber);
      }
    },
  };
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

function destroy(client: NodeRedisClient): void {
  try {
    if (client.destroy) client.destroy();
    else Promise.resolve(client.disconnect?.()).catch(() => {});
  } catch {
    // It was closed before.
  }
}
