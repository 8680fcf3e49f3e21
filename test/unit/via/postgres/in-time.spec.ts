import { EventEmitter } from 'node:events';
import { expect, it, onTestFinished, vi } from 'vitest';
import { askInTime } from '../../../../lib/via/postgres/in-time.js';
import type { PgPoolClient } from '../../../../lib/via/postgres/pg-types.js';

/** A connection that the server ends in the very turn in which the pool hands it out. */
class EndingClient extends EventEmitter implements PgPoolClient {
  released: boolean | undefined;

  async query(): Promise<never> {
    throw new Error('Client has encountered a connection error and is not queryable');
  }

  release(close?: boolean): void {
    this.released = close;
  }
}

it('a connection that breaks as it is handed out fails the statement, and harms nobody else', async () => {
  const client = new EndingClient();
  const pool = {
    options: {},
    connect: (taken: (error: undefined, client: PgPoolClient) => void) => {
      taken(undefined, client);
      // Without a listener this throws, in a turn of the network's.
      client.emit('error', new Error('terminating connection due to administrator command'));
    },
  };
  await expect(askInTime(pool, 'SELECT 1', [], 1_000)).rejects.toThrow(/not queryable/);
  expect(client.released).toBe(true);
  expect(client.listenerCount('error')).toBe(0);
});

it('a pool without a connection fails the statement', async () => {
  const pool = {
    options: {},
    connect: (taken: (error: Error, client: undefined) => void) => taken(new Error('timeout'), undefined),
  };
  await expect(askInTime(pool, 'SELECT 1', [], 1_000)).rejects.toThrow('timeout');
});

it('a pool that makes no connection in time is not used up, and one that is asked at once is', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const taking: ((error: Error, client: undefined) => void)[] = [];
  const pool = {
    options: {},
    connect: (taken: (error: Error, client: undefined) => void) => void taking.push(taken),
  };
  const ask = () => askInTime(pool, 'SELECT 1', [], 1_000);
  const waiting = Array.from({ length: 20 }, ask);
  expect(taking).toHaveLength(20);
  vi.advanceTimersByTime(1_000);
  await expect(ask()).rejects.toThrow(/gives no connection.*connectionTimeoutMillis/);
  for (const taken of taking.splice(0)) taken(new Error('at last'), undefined);
  for (const one of waiting) await expect(one).rejects.toThrow('at last');
  void ask().catch(() => {});
  expect(taking).toHaveLength(1);
});
