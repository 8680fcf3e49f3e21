/** The answer to a query. */
export interface PgResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/** One statement, or several without values. */
export interface PgQuery {
  readonly text: string;
  readonly values?: unknown[];
  /** An error when it takes longer, in milliseconds. */
  readonly query_timeout: number;
}

/** A connection of a pool. */
export interface PgPoolClient {
  query(query: PgQuery): Promise<PgResult>;
  /** Its socket, which not every kind of connection has. */
  readonly connection?:
    { readonly stream?: { readonly localAddress?: string | undefined } | undefined } | undefined;
  /** Gives it back; with `true` it is closed. */
  release(close?: boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** The part of a `Pool` of the package `pg` that is used. */
export interface PgPool {
  connect(taken: (error: Error | undefined, client: PgPoolClient | undefined) => void): void;
  readonly options: object;
}

/** The part of a `Client` of the package `pg` that is used. */
export interface PgClient {
  connect(): Promise<unknown>;
  query(text: string): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** A pool, and how it is ended when it is ours. */
export interface PgPort {
  readonly pool: PgPool;
  /** Makes a connection of its own, with the options of the pool. */
  newClient(): PgClient;
  close(): Promise<void>;
}

type ClientClass = new (options: object) => PgClient;

/** A pool of the app. */
export function poolPort(pool: PgPool): PgPort {
  // A pool keeps the class of its clients, which is that of the app's own `pg`.
  const { Client } = { ...pool.options, ...pool } as { Client?: ClientClass };
  return {
    pool,
    newClient: () => {
      if (!Client) throw new Error('this pool does not tell how its connections are made');
      return new Client(pool.options);
    },
    close: async () => {},
  };
}

/** Ends a connection at once: whether the server still answers or not. */
export function destroyClient(client: unknown): void {
  const { connection } = client as { connection?: { stream?: { destroy?(): void } } };
  connection?.stream?.destroy?.();
}
