import type { MeetingListener } from '../registry/registry.js';

/** What this provider needs of a Redis client, whichever that is. */
export interface RedisPort {
  /** Resolves when commands can be sent. Rejects at the next failure to connect, or when the signal aborts. */
  ready(signal: AbortSignal): Promise<void>;
  command(...words: readonly [string, ...string[]]): Promise<unknown>;
  /**
   * Hears a channel on a connection of its own, until the signal aborts. `listening` is called when that
   * begins, and after every reconnection. Rejects when it cannot begin.
   */
  listen(channel: string, signal: AbortSignal, on: MeetingListener): Promise<void>;
  /** Closes the client when it is ours. */
  close(): void;
}

/** An emitter that both clients are. */
export interface ClientEvents {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** The part of an ioredis client (`Redis` or `Cluster`) that is used. */
export interface IoredisClient extends ClientEvents {
  readonly status: string;
  connect(): Promise<unknown>;
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(): IoredisClient;
  subscribe(...channels: string[]): Promise<unknown>;
  disconnect(): void;
}

/** The part of a node-redis client that is used. */
export interface NodeRedisClient extends ClientEvents {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  sendCommand(words: readonly string[]): Promise<unknown>;
  duplicate(): NodeRedisClient;
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>;
  /** Named `disconnect` before version 5. */
  destroy?(): unknown;
  disconnect?(): unknown;
}

/** Waits for the event `ready`, or for what comes in its place. */
export function untilReady(client: ClientEvents, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      client.off('ready', onReady);
      client.off('error', onError);
      client.off('end', onEnd);
      signal.removeEventListener('abort', onAbort);
      if (error) reject(error);
      else resolve();
    };
    const onReady = (): void => settle();
    const onError = (error: unknown): void =>
      settle(error instanceof Error ? error : new Error(String(error)));
    const onEnd = (): void => settle(new Error('the client was closed'));
    const onAbort = (): void => settle(new Error('no connection in time'));
    client.on('ready', onReady);
    client.on('error', onError);
    client.on('end', onEnd);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

/** Resolves when the signal aborts. */
export function untilAbort(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
