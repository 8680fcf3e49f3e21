import { orAborted } from '../../time/abortable.js';
import type { IoredisClient, RedisPort } from './redis-port.js';
import { untilAbort, untilReady } from './redis-port.js';

/** A client of the package `ioredis`. `isOurs`: it is closed after use. */
export function ioredisPort(client: IoredisClient, isOurs: boolean): RedisPort {
  return {
    ready: (signal) => ready(client, signal),
    command: (command, ...args) => client.call(command, ...args),
    close: () => (isOurs ? client.disconnect() : undefined),
    async listen(channel, signal, { heard, listening }) {
      const subscriber = client.duplicate();
      subscriber.on('error', () => {});
      subscriber.on('message', (from, text) => {
        if (from === channel) heard(String(text));
      });
      try {
        await ready(subscriber, signal);
        await orAborted(subscriber.subscribe(channel), signal, () => new Error('given up'));
        listening();
        // It subscribes again by itself after it has lost its connection.
        subscriber.on('ready', listening);
        await untilAbort(signal);
      } finally {
        subscriber.disconnect();
      }
    },
  };
}

async function ready(client: IoredisClient, signal: AbortSignal): Promise<void> {
  if (client.status === 'ready') return;
  if (client.status === 'end') throw new Error('the client was closed');
  const waiting = untilReady(client, signal);
  // `lazyConnect`: nobody has used it so far. What goes wrong is an event as well.
  if (client.status === 'wait') client.connect().catch(() => {});
  await waiting;
}
