import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LimitOptions } from '../../../lib/peerage.options.js';
import { addressOf, collect, MessageWorld, type TalkingNode } from '../../support/mesh/message-world.js';

const MIB = 1024 * 1024;
const coded = (code: string, message: unknown = expect.any(String)) =>
  expect.objectContaining({ code, message });

describe('limits that differ', () => {
  let world: MessageWorld;
  beforeEach(() => void (world = new MessageWorld()));
  afterEach(() => world.stop());

  /** Two nodes: the first one sends longer messages than the second one takes. */
  const pair = (): Promise<TalkingNode[]> =>
    world.nodesOf(
      { limits: { messageBytes: 16 * MIB } },
      { limits: { messageBytes: MIB, frameBytes: 20_000 } },
    );

  it('are known to the sender: what is too long is refused at once, and nothing else is harmed', async () => {
    const [a, b] = await pair();
    const received = collect<Buffer | number>(b!, 'x');
    const long = Buffer.alloc(2 * MIB);
    for (let i = 0; i < 20; i++) {
      const tooLong = coded('INVALID_MESSAGE', expect.stringContaining('limits.messageBytes'));
      expect(await world.rejection(a!.messaging.send(b!.name, 'x', long))).toEqual(tooLong);
      expect(await world.rejection(a!.messaging.request(b!.name, 'x', long))).toEqual(tooLong);
      expect(a!.messaging.broadcast('x', long)).toMatchObject({
        handed: 0,
        refused: [{ peer: { name: b!.name }, code: 'INVALID_MESSAGE' }],
      });
      void a!.messaging.send(b!.name, 'x', i);
      await world.pass(50);
    }
    expect(received.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect([...a!.events, ...b!.events].map(({ type }) => type)).toEqual(['peer.up', 'peer.up']);
    await world.settled(a!.messaging.send(b!.name, 'x', Buffer.alloc(MIB - 100)));
    await world.until(() => received.length === 21);
  });

  it('hold for answers, too, and errors come however long they are', async () => {
    const [a, b] = await world.nodesOf({ limits: { messageBytes: 12_288 } }, {});
    b!.messaging.handle('long', () => Buffer.alloc(MIB));
    b!.messaging.handle('fails', () => {
      throw new Error('x'.repeat(MIB));
    });
    for (const topic of ['long', 'fails'])
      expect(await world.rejection(a!.messaging.request(b!.name, topic, 1))).toEqual(coded('REMOTE_ERROR'));
    expect(b!.errors).toEqual([]);
  });
});

describe('a message that was cut by its connection', () => {
  let world: MessageWorld;
  beforeEach(() => void (world = new MessageWorld()));
  afterEach(() => world.stop());

  it('is never sent again, and whoever waits for it is told at once', async () => {
    const [a, b] = await world.nodes(2, { limits: { messageBytes: 4 * MIB } });
    const received = collect<Buffer>(b!, 'x');
    let handled = 0;
    b!.messaging.handle('echo', (data: Buffer | number) => {
      handled++;
      return typeof data === 'number' ? Buffer.alloc(data) : data.length;
    });
    await world.pass(100);
    const outcomes: [string, string][] = [];
    const note = (what: string, promise: Promise<unknown>): void =>
      void promise.then(
        () => outcomes.push([what, 'done']),
        (error: { code: string }) => outcomes.push([what, error.code]),
      );
    const way = [addressOf(a!), addressOf(b!)] as const;
    for (const what of ['send', 'request', 'answer']) {
      world.network.cut(...way);
      if (what === 'send') note(what, a!.messaging.send(b!.name, 'x', Buffer.alloc(3 * MIB)));
      if (what === 'request') note(what, a!.messaging.request(b!.name, 'echo', Buffer.alloc(3 * MIB)));
      if (what === 'answer') {
        world.network.heal();
        note(what, a!.messaging.request(b!.name, 'echo', 3 * MIB));
        await world.until(() => handled === 1);
      }
      await world.pass(1);
      world.network.reset(...way);
      world.network.heal();
      await world.until(() => outcomes.some(([name]) => name === what), 1_000);
    }
    await world.pass(1_000);
    expect(outcomes).toEqual(['send', 'request', 'answer'].map((what) => [what, 'CONNECTION_LOST']));
    expect([received.length, handled]).toEqual([0, 1]);
  });
});

describe('handlers that take their time', () => {
  let world: MessageWorld;
  beforeEach(() => void (world = new MessageWorld()));
  afterEach(() => world.stop());

  const limits: Partial<LimitOptions> = {
    handlers: 10,
    receiveQueueBytes: 50_000,
    messageBytes: 12_288,
    frameBytes: 16_384,
    sendQueueBytes: 100_000,
  };

  /** Counts the handlers that run; `open` lets them end. */
  function gated({ messaging }: TalkingNode, topic: string) {
    const gate = { running: 0, most: 0, done: 0, open: (): void => {} };
    const isOpen = new Promise<void>((resolve) => (gate.open = resolve));
    messaging.handle(topic, async (data) => {
      gate.most = Math.max(gate.most, ++gate.running);
      await isOpen;
      gate.running--;
      gate.done++;
      return data;
    });
    return gate;
  }

  it('run so many at a time; the others wait here, then at the sender, then they are refused', async () => {
    const [a, b] = await world.nodes(2, { limits });
    const gate = gated(b!, 'slow');
    a!.messaging.handle('echo', (data) => data);
    const outcomes: string[] = [];
    const flood = (): void =>
      void a!.messaging.send(b!.name, 'slow', Buffer.alloc(1_000)).then(
        () => outcomes.push('handed'),
        (error: { code: string }) => outcomes.push(error.code),
      );
    for (let i = 0; i < 50; i++) {
      for (let n = 0; n < 20; n++) flood();
      await world.pass(10);
    }
    expect(gate.most).toBe(10);
    const handed = outcomes.filter((outcome) => outcome === 'handed').length;
    const refused = outcomes.filter((outcome) => outcome === 'OVERLOADED').length;
    // What the window and one write hold, and what the queue of the sender does.
    expect(handed).toBeGreaterThan(45);
    expect(handed).toBeLessThan(150);
    expect(refused).toBeGreaterThan(700);
    // Answers and beats pass: the flooded node asks back, and nobody dies.
    expect(await world.settled(b!.messaging.request(a!.name, 'echo', 1))).toBe(1);
    await world.pass(9_000);
    expect([...a!.events, ...b!.events].map(({ type }) => type)).toEqual(['peer.up', 'peer.up']);
    gate.open();
    await world.until(() => gate.done === 1_000 - refused);
    expect(gate.most).toBe(10);
    expect(await world.settled(a!.messaging.request(b!.name, 'slow', 1))).toBe(1);
  });

  it('are bounded over reconnections, too', async () => {
    const [a, b] = await world.nodes(2, { limits });
    const gate = gated(b!, 'slow');
    for (let i = 0; i < 20; i++) {
      for (let n = 0; n < 20; n++) a!.messaging.broadcast('slow', Buffer.alloc(1_000));
      await world.pass(20);
      world.network.reset(addressOf(a!), addressOf(b!));
      await world.pass(100);
    }
    expect(gate.most).toBe(10);
    gate.open();
    await world.pass(1_000);
    // All that was taken; and the windows are whole again.
    expect(gate.done).toBeGreaterThan(45);
    expect(gate.done).toBeLessThan(300);
    const { done } = gate;
    for (let n = 0; n < 90; n++) a!.messaging.broadcast('slow', Buffer.alloc(1_000));
    await world.until(() => gate.done === done + 90);
  });

  it('may ask back whoever floods them', async () => {
    const [a, b] = await world.nodes(2, { limits });
    b!.messaging.handle('ask', async (data) => b!.messaging.request(a!.name, 'leaf', data));
    a!.messaging.handle('leaf', (data) => data);
    const answers = Array.from({ length: 200 }, async (_, i) => a!.messaging.request(b!.name, 'ask', i));
    expect(await world.settled(Promise.all(answers))).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it('and never end do not keep the others out for ever', async () => {
    const [a, b] = await world.nodes(2, { limits });
    const gate = gated(b!, 'never');
    for (let i = 0; i < 15; i++) a!.messaging.broadcast('never', i);
    b!.messaging.handle('echo', (data) => data);
    const asked = a!.messaging.request(b!.name, 'echo', 1, { timeoutMs: 90_000 });
    await world.pass(20_000);
    expect(gate.running).toBe(10);
    await world.until(() => gate.running === 15, 20_000);
    expect(await world.settled(asked)).toBe(1);
  });

  it('of a peer that sends more than it may: its connection is closed, and that is all', async () => {
    const [a, b] = await world.nodes(2, { limits });
    const gate = gated(b!, 'slow');
    await world.pass(100);
    // A node that does as if it had been told of more room.
    for (let i = 0; i < 3; i++) {
      const carrier = a!.mesh as unknown as {
        messages: { outboxes: Map<string, { grant(bytes: number): void }> };
      };
      for (const outbox of carrier.messages.outboxes.values()) outbox.grant(1e9);
      for (let n = 0; n < 100; n++) {
        a!.messaging.broadcast('slow', Buffer.alloc(10_000));
        await world.pass(5);
      }
    }
    expect(gate.most).toBe(10);
    expect(b!.events.filter(({ type }) => type === 'peer.down')).toEqual([]);
    gate.open();
    await world.pass(1_000);
    expect(gate.done).toBeLessThan(200);
  });
});
