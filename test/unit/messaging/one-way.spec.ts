import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { collect, MessageWorld } from '../../support/mesh/message-world.js';

const coded = (code: string, message: unknown = expect.any(String)) =>
  expect.objectContaining({ code, message });

describe('one-way messages', () => {
  let world: MessageWorld;
  beforeEach(() => void (world = new MessageWorld()));
  afterEach(() => world.stop());

  describe('broadcast', () => {
    it('reaches every peer, and not the sender', async () => {
      const [a, b, c] = await world.nodes(3);
      const received = [a!, b!, c!].map((node) => collect(node, 'price.changed'));
      expect(a!.messaging.broadcast('price.changed', { sku: 1 })).toEqual({ handed: 2, refused: [] });
      await world.pass(100);
      expect(received.map((list) => list.map(({ data }) => data))).toEqual([[], [{ sku: 1 }], [{ sku: 1 }]]);
      const { context } = received[1]![0]!;
      expect(context.topic).toBe('price.changed');
      expect(context.peer.bootId).toBe(a!.mesh.self.bootId);
    });

    it('encodes once, whatever the number of peers', async () => {
      const [a] = await world.nodes(4);
      let encoded = 0;
      a!.messaging.broadcast('x', {
        toJSON: undefined,
        at: new (class {
          toJSON = () => ++encoded;
        })(),
      });
      expect(encoded).toBe(1);
    });

    it('is handed to nobody when there is nobody', async () => {
      const node = await world.node();
      expect(node.messaging.broadcast('x', 1)).toEqual({ handed: 0, refused: [] });
      await node.mesh.start();
      expect(node.messaging.broadcast('x', 1)).toEqual({ handed: 0, refused: [] });
    });

    it('names those that get nothing because they do not keep up', async () => {
      const limits = { sendQueueBytes: 20_000, messageBytes: 12_288, frameBytes: 16_384 };
      const [a, b, c] = await world.nodes(3, { limits });
      const received = [b!, c!].map((node) => collect<Buffer>(node, 'x'));
      await world.pass(100);
      world.network.cut(`127.0.0.1:${a!.port}`, `127.0.0.1:${b!.port}`);
      const refused = new Set<string>();
      let handed = 0;
      for (let i = 0; i < 100; i++) {
        const result = a!.messaging.broadcast('x', Buffer.alloc(9_000, i));
        handed += result.handed;
        for (const { peer, code } of result.refused) refused.add(`${peer.name} ${code}`);
        await world.pass(5);
      }
      expect([...refused]).toEqual([`${b!.name} OVERLOADED`]);
      expect(received[1]).toHaveLength(100);
      world.network.heal();
      await world.until(() => received[0]!.length === handed - 100);
      expect(received[0]!.length).toBeLessThan(60);
    });

    it('throws when the data cannot be sent, and names the place', async () => {
      const [a, b] = await world.nodes(2);
      const received = collect(b!, 'x');
      expect(() => a!.messaging.broadcast('x', { items: [{ callback() {} }] })).toThrow(
        coded('INVALID_MESSAGE', expect.stringContaining('data.items[0].callback is a function')),
      );
      expect(() => a!.messaging.broadcast('', 1)).toThrow(coded('INVALID_MESSAGE'));
      expect(() => a!.messaging.broadcast('x'.repeat(256), 1)).toThrow(coded('INVALID_MESSAGE'));
      a!.messaging.broadcast('x', 'fine');
      await world.pass(100);
      expect(received.map(({ data }) => data)).toEqual(['fine']);
    });
  });

  describe('send', () => {
    it('takes a peer, its name, or its boot id', async () => {
      const [a, b] = await world.nodes(2);
      const received = collect(b!, 'x');
      const [peer] = a!.mesh.peers;
      for (const recipient of [peer!, peer!.name, peer!.bootId]) {
        await world.settled(a!.messaging.send(recipient, 'x', 1));
      }
      await world.pass(10);
      expect(received).toHaveLength(3);
    });

    it('resolves when the message has left, not before', async () => {
      const [a, b] = await world.nodes(2);
      let isHanded = false;
      void a!.messaging.send(b!.name, 'x', 1).then(() => (isHanded = true));
      await Promise.resolve();
      expect(isHanded).toBe(false);
      await world.until(() => isHanded);
    });

    it('tells why a name cannot be sent to', async () => {
      const [a, b] = await world.nodes(2);
      const [peer] = a!.mesh.peers;
      expect(await world.rejection(a!.messaging.send('app@127.0.0.1:9', 'x', 1))).toEqual(
        coded('NO_SUCH_PEER', expect.stringMatching(/^app@127\.0\.0\.1:9 is not a peer\. \S/)),
      );
      expect(await world.rejection(a!.messaging.send('0'.repeat(32), 'x', 1))).toEqual(coded('NO_SUCH_PEER'));
      expect(await world.rejection(a!.messaging.send('a@b@c', 'x', 1))).toEqual(coded('INVALID_NAME'));
      for (const self of [a!.name, a!.mesh.self.bootId, a!.mesh.self])
        expect(await world.rejection(a!.messaging.send(self, 'x', 1))).toEqual(coded('SELF'));
      await world.settled(b!.mesh.stop());
      await world.until(() => a!.mesh.peers.length === 0);
      expect(await world.rejection(a!.messaging.send(peer!, 'x', 1))).toEqual(coded('PEER_GONE'));
    });

    it('rejects what the peer went down before', async () => {
      const [a, b] = await world.nodes(2);
      await world.pass(100);
      world.network.cut(`127.0.0.1:${a!.port}`, `127.0.0.1:${b!.port}`);
      // The window of the wire is full: these wait here.
      const sends = Array.from({ length: 40 }, (_, i) =>
        a!.messaging.send(b!.name, 'x', Buffer.alloc(20_000, i)),
      );
      const outcomes = Promise.allSettled(sends);
      await world.until(() => a!.mesh.peers.length === 0);
      const codes = (await world.settled(outcomes)).map((each) =>
        each.status === 'rejected' ? (each.reason as { code: string }).code : 'handed',
      );
      expect(codes[0]).toBe('handed');
      expect(codes.at(-1)).toBe('PEER_GONE');
      expect(
        [...new Set(codes)].every((code) => ['handed', 'CONNECTION_LOST', 'PEER_GONE'].includes(code)),
      ).toBe(true);
    });

    it('rejects OVERLOADED when the queue is full, and goes on when it is not', async () => {
      const limits = { sendQueueBytes: 20_000, messageBytes: 12_288, frameBytes: 16_384 };
      const [a, b] = await world.nodes(2, { limits });
      const received = collect(b!, 'x');
      await world.pass(100);
      world.network.cut(`127.0.0.1:${a!.port}`, `127.0.0.1:${b!.port}`);
      const outcomes: string[] = [];
      for (let i = 0; i < 60; i++) {
        a!.messaging.send(b!.name, 'x', Buffer.alloc(9_000)).then(
          () => outcomes.push('handed'),
          (error: { code: string }) => outcomes.push(error.code),
        );
        await world.pass(1);
      }
      expect(outcomes).toContain('OVERLOADED');
      world.network.heal();
      await world.until(() => outcomes.length === 60);
      await world.pass(50);
      expect(received).toHaveLength(outcomes.filter((outcome) => outcome === 'handed').length);
      await world.settled(a!.messaging.send(b!.name, 'x', 1));
    });

    it('rejects what waits when this node stops', async () => {
      const [a, b] = await world.nodes(2);
      await world.pass(100);
      world.network.cut(`127.0.0.1:${a!.port}`, `127.0.0.1:${b!.port}`);
      const outcomes = Promise.allSettled(
        Array.from({ length: 60 }, () => a!.messaging.send(b!.name, 'x', Buffer.alloc(20_000))),
      );
      await world.pass(10);
      a!.messaging.stop();
      void a!.mesh.stop();
      for (const { status } of (await world.settled(outcomes)).slice(-10)) expect(status).toBe('rejected');
      expect(await world.rejection(a!.messaging.send(b!.name, 'x', 1))).toEqual(coded('NOT_RUNNING'));
    });
  });

  describe('the order', () => {
    it('is kept', async () => {
      const [a, b] = await world.nodes(2);
      const received = collect(b!, 'x');
      for (let i = 0; i < 1_000; i++) a!.messaging.broadcast('x', i);
      await world.pass(100);
      expect(received.map(({ data }) => data)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    });

    it('is kept within a topic when long messages go in parts, and short ones of other topics pass them by', async () => {
      const [a, b] = await world.nodes(2, { limits: { messageBytes: 8e6 } });
      const order: string[] = [];
      b!.messaging.handle('bulk', ({ name }: { name: string }) => void order.push(name));
      b!.messaging.handle('short', (name: string) => void order.push(name));
      a!.messaging.broadcast('short', 'before');
      a!.messaging.broadcast('bulk', { name: 'first', bytes: Buffer.alloc(3e6) });
      a!.messaging.broadcast('bulk', { name: 'second' });
      a!.messaging.broadcast('bulk', { name: 'third', bytes: Buffer.alloc(3e6) });
      a!.messaging.broadcast('short', 'passes');
      await world.until(() => order.length === 5);
      expect(order).toEqual(['before', 'passes', 'first', 'second', 'third']);
      a!.messaging.broadcast('bulk', { name: 'fourth' });
      await world.until(() => order.length === 6);
    });

    it('is kept when the connection breaks, and nothing comes twice', async () => {
      const [a, b] = await world.nodes(2);
      const received = collect<{ i: number }>(b!, 'x');
      let lost = 0;
      for (let i = 0; i < 400; i++) {
        a!.messaging
          .send(b!.name, 'x', { i, bytes: Buffer.alloc(i % 7 === 0 ? 100_000 : 10) })
          .catch(() => lost++);
        if (i % 97 === 50) world.network.reset(`127.0.0.1:${a!.port}`, `127.0.0.1:${b!.port}`);
        await world.pass(i % 3);
      }
      await world.pass(2_000);
      const numbers = received.map(({ data }) => data.i);
      expect(numbers).toEqual([...new Set(numbers)].sort((x, y) => x - y));
      expect(numbers.length).toBeGreaterThan(350);
      expect(numbers.at(-1)).toBe(399);
      expect(a!.events.filter(({ type }) => type === 'peer.down')).toEqual([]);
    });

    it('is kept, and nothing is lost, from the first moment of a peer and when both dial at once', async () => {
      const [a, b] = [await world.node(), await world.node()];
      const got: number[][] = [[], []];
      a.messaging.handle('x', (i: number) => void got[0]!.push(i));
      b.messaging.handle('x', (i: number) => void got[1]!.push(i));
      for (const node of [a, b]) {
        let sent = 0;
        const send = (): void => {
          node.messaging.broadcast('x', sent++);
          if (sent < 200) world.clock.after(1, send);
        };
        node.mesh.subscribe((event) => void (event.type === 'peer.up' && send()));
        await node.mesh.start();
      }
      void a.mesh.found([b.name], { provider: 'list', as: 'answer' });
      void b.mesh.found([a.name], { provider: 'list', as: 'answer' });
      await world.until(() => got.every((list) => list.length === 200));
      for (const list of got) expect(list).toEqual(Array.from({ length: 200 }, (_, i) => i));
    });
  });

  it('sent just before a node stops still arrive', async () => {
    const [a, b] = await world.nodes(2);
    const received = collect<{ name: string }>(b!, 'x');
    for (let i = 0; i < 100; i++) a!.messaging.broadcast('x', { name: `short ${i}` });
    a!.messaging.broadcast('x', { name: 'long', bytes: Buffer.alloc(500_000) });
    a!.messaging.stop();
    const stopped = a!.mesh.stop();
    await world.until(() => received.length === 101);
    await world.settled(stopped);
    const down = b!.events.find(({ type }) => type === 'peer.down');
    expect(down).toMatchObject({ reason: 'left' });
  });
});

describe('handlers', () => {
  let world: MessageWorld;
  beforeEach(() => void (world = new MessageWorld()));
  afterEach(() => world.stop());

  it('all get the message, in the order they were added, until they are taken away', async () => {
    const [a, b] = await world.nodes(2);
    const calls: string[] = [];
    const end = b!.messaging.handle('x', () => void calls.push('first'));
    b!.messaging.handle('x', () => void calls.push('second'));
    a!.messaging.broadcast('x', 1);
    await world.pass(10);
    end();
    end();
    a!.messaging.broadcast('x', 1);
    await world.pass(10);
    expect(calls).toEqual(['first', 'second', 'second']);
  });

  it('that fail are logged, and harm nobody', async () => {
    const [a, b] = await world.nodes(2);
    b!.messaging.handle(
      'x',
      () => {
        throw new Error('sync');
      },
      'Cache.clear',
    );
    b!.messaging.handle('x', () => Promise.reject(new Error('async')), 'Audit.note');
    const received = collect(b!, 'x');
    a!.messaging.broadcast('x', 1);
    a!.messaging.broadcast('x', 2);
    await world.pass(10);
    expect(received).toHaveLength(2);
    expect(b!.errors.sort()).toEqual([
      ...Array<string>(2).fill(`Audit.note failed on "x" from ${a!.name}: async`),
      ...Array<string>(2).fill(`Cache.clear failed on "x" from ${a!.name}: sync`),
    ]);
  });

  it('start in order, and async ones overlap', async () => {
    const [a, b] = await world.nodes(2);
    const log: string[] = [];
    b!.messaging.handle('x', async (i: number) => {
      log.push(`start ${i}`);
      await new Promise<void>((resolve) => void world.clock.after(100, resolve));
      log.push(`end ${i}`);
    });
    for (let i = 0; i < 3; i++) a!.messaging.broadcast('x', i);
    await world.pass(500);
    expect(log).toEqual(['start 0', 'start 1', 'start 2', 'end 0', 'end 1', 'end 2']);
  });

  it('that are missing are told of once a topic, and counted', async () => {
    const [a, b] = await world.nodes(2);
    expect(b!.messaging.notes()).toEqual([]);
    for (const topic of ['b', 'a', 'b', 'b']) a!.messaging.broadcast(topic, 1);
    await world.pass(10);
    expect(b!.warnings).toEqual([
      `${a!.name} sends messages on topic "b", which nobody here handles. They are dropped.`,
      `${a!.name} sends messages on topic "a", which nobody here handles. They are dropped.`,
    ]);
    expect(b!.messaging.notes()).toEqual([
      '4 messages came on topics that nobody here handles: "b" (3), "a" (1).',
    ]);
  });

  it('do not run after the stop', async () => {
    const [a, b] = await world.nodes(2);
    const received = collect(b!, 'x');
    a!.messaging.broadcast('x', 1);
    b!.messaging.stop();
    await world.pass(10);
    expect(received).toEqual([]);
  });

  it('see the peer as of its last event', async () => {
    const [a, b] = await world.nodes(2);
    const received = collect(b!, 'x');
    a!.messaging.broadcast('x', 1);
    await world.pass(10);
    a!.mesh.setMeta({ version: 2 });
    a!.messaging.broadcast('x', 2);
    await world.pass(10);
    expect(received.map(({ context }) => context.peer.meta)).toEqual([{}, { version: 2 }]);
  });
});
