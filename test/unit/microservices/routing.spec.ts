import { Controller, Inject } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { EventPattern, MessagePattern, RpcException } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { EMPTY, NEVER, lastValueFrom, of, throwError, toArray } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterService } from '../../../lib/index.js';
import type { PeerageClient, PeerageServer } from '../../../lib/microservices/index.js';
import type { TestCluster, TestNode } from '../../../lib/testing/index.js';
import { CLIENT, moduleOf, startInMemory } from '../../support/apps/microservice-nodes.js';
import type { NodeParts } from '../../support/apps/microservice-nodes.js';

@Controller()
class Where {
  readonly told: unknown[] = [];
  constructor(@Inject(ClusterService) readonly cluster: ClusterService) {}

  @MessagePattern('where')
  where(): string {
    return this.cluster.self.name;
  }

  @MessagePattern('names')
  names(): Observable<string> {
    return of(this.cluster.self.name, this.cluster.self.name);
  }

  @EventPattern('told')
  tell(data: unknown): void {
    this.told.push(data);
  }
}

@Controller()
class Halves {
  constructor(@Inject(ClusterService) private readonly cluster: ClusterService) {}

  @MessagePattern('empty')
  empty(): Observable<never> {
    return EMPTY;
  }

  /** The node named fails; all others never end. */
  @MessagePattern('fails')
  fails(name: string): Observable<never> {
    return name === this.cluster.self.name ? throwError(() => new RpcException('of one')) : NEVER;
  }
}

const SERVING = { controllers: [Where, Halves] };
const CALLING = { serves: 'never' } as const;

type Node = TestNode<INestApplication>;

let cluster: TestCluster<INestApplication>;
const start = async (...parts: readonly NodeParts[]): Promise<Node[]> => {
  cluster = await startInMemory(...parts);
  return [...cluster.nodes];
};
afterEach(() => cluster.stop());

const serverOf = ({ app }: Node): PeerageServer =>
  app.getMicroservices()[0]!.getTransportServer() as PeerageServer;
const clientOf = (node: Node | undefined): PeerageClient => node!.get(CLIENT);

const ask = <T = string>(client: PeerageClient, pattern = 'where', data: unknown = {}): Promise<T> =>
  lastValueFrom(client.send<T>(pattern, data));
const nameOf = ({ name }: Node): string => name;
const times = <T>(count: number, make: (i: number) => T): Promise<Awaited<T>[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));
const counts = (values: readonly string[]): Record<string, number> =>
  Object.fromEntries([...new Set(values)].sort().map((v) => [v, values.filter((w) => w === v).length]));

describe('requests go', () => {
  it('to the nodes with the pattern in turn, this one included', async () => {
    const [a, b, c, d] = await start(CALLING, SERVING, SERVING, {});
    expect(counts(await times(10, () => ask(clientOf(a))))).toEqual({ [nameOf(b!)]: 5, [nameOf(c!)]: 5 });
    expect(counts(await times(10, () => ask(clientOf(b))))).toEqual({ [nameOf(b!)]: 5, [nameOf(c!)]: 5 });
    expect(counts(await times(10, () => ask(clientOf(d))))).toEqual({ [nameOf(b!)]: 5, [nameOf(c!)]: 5 });
  });

  it('to the nearest: itself, if it can', async () => {
    const [a, b] = await start({ client: { requestsTo: 'nearest' }, ...CALLING }, SERVING, SERVING);
    const near = new Set(await times(5, () => ask(clientOf(a))));
    expect(near.size).toBe(1);
    expect(await ask(clientOf(b).to('nearest'))).toBe(nameOf(b!));
  });

  it('to the owner of a key, the same one from everywhere', async () => {
    const all = await start(CALLING, SERVING, SERVING, SERVING);
    const keys = Array.from({ length: 30 }, (_, i) => `customer ${i}`);
    const owners = await Promise.all(
      all.map((node) => Promise.all(keys.map((key) => ask(clientOf(node).to({ key }))))),
    );
    for (const each of owners) expect(each).toEqual(owners[0]);
    expect(new Set(owners[0]).size).toBe(3);
  });

  it('to a named node, by its name or its boot id', async () => {
    const [a, b, c] = await start(SERVING, SERVING, SERVING);
    for (const node of [a!, b!, c!]) {
      expect(await ask(clientOf(a).to({ node: nameOf(node) }))).toBe(nameOf(node));
      expect(await ask(clientOf(a).to({ node: node.cluster.self.bootId }))).toBe(nameOf(node));
    }
  });

  it('to all at once, and end with the last', async () => {
    const all = await start(SERVING, SERVING, SERVING);
    const names = all.map(nameOf).sort();
    const answers = await lastValueFrom(clientOf(all[0]).to('all').send<string>('where', {}).pipe(toArray()));
    expect(answers.sort()).toEqual(names);
    const more = await lastValueFrom(clientOf(all[0]).to('all').send<string>('names', {}).pipe(toArray()));
    expect(more.sort()).toEqual([...names, ...names].sort());
    expect(await lastValueFrom(clientOf(all[0]).to('all').send('empty', {}).pipe(toArray()))).toEqual([]);
    await expect(ask(clientOf(all[0]).to('all'), 'fails', names[1])).rejects.toMatchObject({
      message: 'of one',
    });
  });

  it('nowhere when a named node is no peer, or has no such pattern', async () => {
    const [a, b] = await start(CALLING, SERVING);
    const stranger = { node: 'app@127.0.0.1:1' };
    await expect(ask(clientOf(a).to(stranger))).rejects.toMatchObject({ code: 'NO_SUCH_PEER' });
    await expect(ask(clientOf(a).to({ node: nameOf(a!) }))).rejects.toMatchObject({ code: 'NO_HANDLER' });
    await expect(ask(clientOf(a).to({ node: nameOf(b!) }), 'none')).rejects.toMatchObject({
      code: 'NO_HANDLER',
    });
    await expect(ask(clientOf(a).to({ node: 'app@host:x' }))).rejects.toMatchObject({ code: 'INVALID_NAME' });
    await expect(ask(clientOf(a).to('nearst' as never))).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
  });
});

describe('events go', () => {
  const toldOf = (node: Node): unknown[] => node.get(Where).told;

  it('to every node with the pattern, this one included', async () => {
    const all = await start(SERVING, SERVING, SERVING, {});
    clientOf(all[0]).emit('told', 1);
    clientOf(all[3]).emit('told', 2);
    const [a, b, c] = all;
    await vi.waitFor(() =>
      expect([a!, b!, c!].map((n) => new Set(toldOf(n)))).toEqual([
        new Set([1, 2]),
        new Set([1, 2]),
        new Set([1, 2]),
      ]),
    );
  });

  it('where the client is told to send them', async () => {
    const [a, b, c] = await start(CALLING, SERVING, SERVING);
    clientOf(a)
      .to({ node: nameOf(b!) })
      .emit('told', 'one');
    await vi.waitFor(() => expect(toldOf(b!)).toEqual(['one']));
    expect(toldOf(c!)).toEqual([]);
    const nobody = clientOf(a)
      .to({ node: nameOf(a!) })
      .emit('told', 'one');
    await expect(lastValueFrom(nobody)).rejects.toMatchObject({ code: 'NO_HANDLER' });
  });

  it('as copies, also to this node', async () => {
    const [a] = await start(SERVING);
    const data = { list: [1] };
    await lastValueFrom(clientOf(a).emit('told', data), { defaultValue: undefined });
    data.list.push(2);
    await vi.waitFor(() => expect(toldOf(a!)).toEqual([{ list: [1] }]));
  });
});

describe('a client knows of', () => {
  it('a server that begins after its node has joined', async () => {
    const [a, b] = await start(CALLING, { ...SERVING, serves: 'after' });
    expect(await ask(clientOf(a))).toBe(nameOf(b!));
    const c = await cluster.add(() => moduleOf(SERVING, { appName: 'app' }));
    await vi.waitFor(async () =>
      expect(counts(await times(4, () => ask(clientOf(a))))).toEqual({ [nameOf(b!)]: 2, [nameOf(c)]: 2 }),
    );
  });

  it('a server that ends', async () => {
    const [a, b, c] = await start(CALLING, SERVING, SERVING);
    expect(new Set(await times(2, () => ask(clientOf(a)))).size).toBe(2);
    const closed = serverOf(b!).close();
    // A request that was on its way when the client heard of it is answered.
    const halfway = times(2, () => ask(clientOf(a)));
    expect(counts(await halfway)).toEqual({ [nameOf(b!)]: 1, [nameOf(c!)]: 1 });
    await cluster.advance(500);
    await closed;
    expect(new Set(await times(4, () => ask(clientOf(a))))).toEqual(new Set([nameOf(c!)]));
    await c!.close();
    await expect(ask(clientOf(a))).rejects.toMatchObject({ code: 'NO_HANDLER' });
  });
});
