import { toError } from '../../errors/thrown.js';
import { onAbort } from '../../time/abortable.js';
import type { RegistryListener } from '../registry/registry.js';

/** What this provider needs of a Redis client, whichever that is. */
export interface RedisPort {
  /** Resolves when commands can be sent. Rejects at the next failure to connect, or when the signal aborts. */
  ready(signal: AbortSignal): Promise<void>;
  command(...words: readonly [string, ...string[]]): Promise<unknown>;
  /**
   * Passes on what a channel says, on a connection of its own, until the signal aborts. `listening` is called
   * when that begins, and after every reconnection. Rejects when it cannot begin, and when the connection is
   * dead without a word.
   */
  listen(channel: string, signal: AbortSignal, on: RegistryListener): Promise<void>;
  /** What this client sees of the server: channels, unlike keys, are the same in all databases. */
  readonly scope: RedisScope;
  /** The client is one of the app's. */
  readonly isGiven: boolean;
  /** The address of this machine at the end of its connection, where the client tells. */
  readonly localAddress: string | undefined;
  /** Gives up a connection that gives no answer, or leads to a replica: the next command makes a new one of ours. */
  renew(): void;
  /** Closes what is ours. */
  close(): void;
}

export interface RedisScope {
  readonly database: number;
  /** What the client puts before every key. */
  readonly keyPrefix: string;
}

/** The client that commands are sent with: one of the app's, or one of ours, which can be made anew. */
export interface ClientSource<T> {
  readonly isGiven: boolean;
  readonly client: T;
  /** The next one is another connection. */
  drop(): void;
  /** Ends what is ours. */
  close(): void;
}

/** Clients of ours. What goes wrong with one is told by its commands: of an error that nobody hears Node ends the process. */
export class OwnClient<T extends ClientEvents> implements ClientSource<T> {
  readonly isGiven: boolean = false;
  private current: T | undefined;

  constructor(
    private readonly make: () => T,
    private readonly end: (client: T) => void,
  ) {}

  get client(): T {
    return (this.current ??= this.open());
  }

  drop(): void {
    const { current } = this;
    this.current = undefined;
    if (current) this.end(current);
  }

  close(): void {
    this.drop();
  }

  private open(): T {
    const client = this.make();
    client.on('error', () => {});
    return client;
  }
}

/**
 * A client of the app. We do not touch its connection, which others use; when it is dropped, one of ours, made in the
 * same way, takes its place.
 */
export class GivenClient<T extends ClientEvents & { duplicate(): T }> implements ClientSource<T> {
  private isDropped = false;
  private readonly own: OwnClient<T>;

  constructor(
    private readonly given: T,
    end: (client: T) => void,
  ) {
    this.own = new OwnClient(() => given.duplicate(), end);
  }

  get isGiven(): boolean {
    return !this.isDropped;
  }

  get client(): T {
    return this.isDropped ? this.own.client : this.given;
  }

  drop(): void {
    this.isDropped = true;
    this.own.drop();
  }

  close(): void {
    this.own.drop();
  }
}

/** An emitter that both clients are. */
export interface ClientEvents {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** The part of an ioredis client (`Redis` or `Cluster`) that is used. */
export interface IoredisClient extends ClientEvents {
  readonly status: string;
  readonly options?: object;
  readonly isCluster?: boolean;
  /** Of a `Redis`. */
  readonly stream?: { readonly localAddress?: string | undefined } | undefined;
  /** Of a `Cluster`. */
  nodes?(): readonly IoredisClient[];
  connect(): Promise<unknown>;
  call(command: string, ...args: string[]): Promise<unknown>;
  duplicate(): IoredisClient;
  subscribe(...channels: string[]): Promise<unknown>;
  ping(): Promise<unknown>;
  disconnect(): void;
}

/** The part of a node-redis client that is used. */
export interface NodeRedisClient extends ClientEvents {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  readonly options?: object | undefined;
  connect(): Promise<unknown>;
  sendCommand(words: readonly string[]): Promise<unknown>;
  duplicate(): NodeRedisClient;
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>;
  ping(): Promise<unknown>;
  /** Named `disconnect` before version 5. */
  destroy?(): unknown;
  disconnect?(): unknown;
}

/** There was neither a connection nor a reason for that in time: whatever is under way may never come to an end. */
export class NotReadyError extends Error {}

/** Waits for the event `ready`, or for what comes in its place. */
export function untilReady(client: ClientEvents, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      client.off('ready', onReady);
      client.off('error', onError);
      client.off('end', onEnd);
      endWaiting();
      if (error) reject(error);
      else resolve();
    };
    const onReady = (): void => settle();
    const onError = (error: unknown): void => settle(toError(error));
    const onEnd = (): void => settle(new Error('the client was closed'));
    const giveUp = (): void => settle(new NotReadyError('no connection in time'));
    const endWaiting = onAbort(signal, giveUp);
    client.on('ready', onReady);
    client.on('error', onError);
    client.on('end', onEnd);
    if (signal.aborted) giveUp();
  });
}
