import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { expectCluster, freePorts, startNode } from '../support/apps/sample-nodes.js';

const root = mkdtempSync(join(tmpdir(), 'peerage-samples-'));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(root, 'test-'));
});

// Not before the nodes have ended, which have files in it.
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

/** What nodes need to be in a world of their own. */
const ownWorld = () => ({ TMPDIR: folder, TEMP: folder, TMP: folder, CLUSTER: folder });

/** Calls an HTTP server on this machine, as soon as it listens. */
async function call<T>(port: number, path: string, method = 'GET', body?: unknown): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json', connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

const listening = (port: number): Promise<unknown> =>
  vi.waitFor(() => call(port, '/').catch((error: Error) => expect(error.message).toContain('404')), 10_000);

describe('07-cache-invalidation', () => {
  it('forgets a price everywhere when one node changes it', async () => {
    const ports = await freePorts(3);
    const DATABASE = join(folder, 'prices.json');
    const nodes = ports.map((port) =>
      startNode('07-cache-invalidation', { ...ownWorld(), DATABASE, HTTP_PORT: String(port) }),
    );
    await expectCluster(nodes);
    await Promise.all(ports.map(listening));
    const prices = async () => {
      const answers = ports.map((port) => call<{ price: number }>(port, '/prices/tea'));
      return (await Promise.all(answers)).map(({ price }) => price);
    };

    await call(ports[0]!, '/prices/tea', 'PUT', { price: 3 });
    expect(await prices()).toEqual([3, 3, 3]);
    // Behind their back: they do keep it.
    writeFileSync(DATABASE, JSON.stringify({ tea: 4 }));
    expect(await prices()).toEqual([3, 3, 3]);
    await call(ports[1]!, '/prices/tea', 'PUT', { price: 5 });
    await vi.waitFor(async () => expect(await prices()).toEqual([5, 5, 5]));
  });
});

describe('10-presence', () => {
  it('shows on every replica who is in a room, and forgets the guests of one that is killed', async () => {
    const ports = await freePorts(2);
    const [ours, other] = ports.map((port) =>
      startNode('10-presence', { ...ownWorld(), HTTP_PORT: String(port) }),
    );
    await expectCluster([ours!, other!]);
    await vi.waitFor(() => Promise.all(ports.map((port) => call(port, '/rooms/lobby'))), 10_000);
    const guests = (port: number) => call<{ name: string }[]>(port, '/rooms/lobby');
    const names = async (port: number) => (await guests(port)).map(({ name }) => name).toSorted();
    const leave = new AbortController();
    const enter = (port: number, name: string, signal?: AbortSignal) =>
      fetch(`http://127.0.0.1:${port}/rooms/lobby/live?name=${name}`, signal ? { signal } : {});
    await enter(ports[0]!, 'Ann', leave.signal);
    const cut = await enter(ports[1]!, 'Bob');
    await vi.waitFor(async () => expect(await names(ports[0]!)).toEqual(['Ann', 'Bob']));
    await vi.waitFor(async () => expect(await names(ports[1]!)).toEqual(['Ann', 'Bob']));
    leave.abort();
    await vi.waitFor(async () => expect(await names(ports[1]!)).toEqual(['Bob']));
    const end = cut.text().catch(() => 'cut');
    await other!.kill();
    await vi.waitFor(async () => expect(await names(ports[0]!)).toEqual([]), 10_000);
    expect(await end).toBe('cut');
  });
});

interface Visits {
  readonly customer: string;
  readonly visits: number;
}

describe('08-microservice', () => {
  const customers = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy'];

  it('counts the visits of each customer at one worker, whatever the gateway', async () => {
    const ports = await freePorts(2);
    const workers = [1, 2].map(() => startNode('08-microservice', { ...ownWorld(), ROLE: 'worker' }));
    const gateways = ports.map((port) =>
      startNode('08-microservice', { ...ownWorld(), HTTP_PORT: String(port) }),
    );
    await expectCluster([...workers, ...gateways]);
    await Promise.all(ports.map(listening));
    await Promise.all(workers.map((worker) => worker.line(/microservice successfully started/)));
    const visits = async (port: number, who = customers) => {
      const answers = who.map((customer) => call<Visits>(port, `/visits/${customer}`, 'POST'));
      return (await Promise.all(answers)).map((answer) => answer.visits);
    };

    expect(await visits(ports[0]!)).toEqual(customers.map(() => 1));
    expect(await visits(ports[1]!)).toEqual(customers.map(() => 2));
    const all = await call<Visits[]>(ports[0]!, '/visits');
    expect(all.map(({ customer }) => customer).toSorted()).toEqual(customers);
    expect(new Set(all.map((each) => each.visits))).toEqual(new Set([2]));

    await expect(visits(ports[0]!, ['-'])).rejects.toThrow('- is no name of a customer');

    await call(ports[0]!, '/visits', 'DELETE');
    await Promise.all(workers.map((worker) => worker.line(/All visits are forgotten/)));
    expect(await call(ports[0]!, '/visits')).toEqual([]);

    // The customers of the worker that ends move to the one that is left.
    await workers[0]!.stop();
    await Promise.all(gateways.map((gateway) => gateway.line(/peer\.down \(\w+\) worker/)));
    expect(await visits(ports[1]!)).toEqual(customers.map(() => 1));
  });
});

describe('11-jobs', () => {
  it('runs the migration once, and each second of the job on one node', async () => {
    const nodes = [1, 2, 3].map(() => startNode('11-jobs', ownWorld()));
    await expectCluster(nodes);
    await Promise.all(nodes.map((node) => node.line(/Migrated/)));
    const said = (pattern: RegExp) =>
      nodes.flatMap(({ lines }) => lines.filter((line) => pattern.test(line)));
    expect(said(/Migrated$/)).toHaveLength(1);
    await vi.waitFor(() => expect(said(/are sent/).length).toBeGreaterThan(3), 10_000);
    const seconds = said(/are sent/).map((line) => /\((.*)\)/.exec(line)?.[1]);
    expect(new Set(seconds).size).toBe(seconds.length);
  });
});
