import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerageError, RemoteError } from '../../../lib/index.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import { addressOf, MessageWorld } from '../../support/mesh/message-world.js';

const coded = (code: string, message: unknown = expect.any(String)) =>
  expect.objectContaining({ code, message });

describe('requests', () => {
  let world: MessageWorld;
  beforeEach(() => void (world = new MessageWorld()));
  afterEach(async () => {
    vi.unstubAllEnvs();
    await world.stop();
  });

  /** Asks and waits, while time passes. */
  const ask = async (
    [a, b]: Awaited<ReturnType<MessageWorld['nodes']>>,
    data?: unknown,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ) => world.settled(a!.messaging.request(b!.name, 'price.get', data, options));

  it('are answered with what the handler returns', async () => {
    const nodes = await world.nodes(2);
    const [a, b] = nodes;
    b!.messaging.handle('price.get', (data, { peer, topic }) => ({ data, from: peer.name, topic }));
    expect(await ask(nodes, { sku: 1 })).toEqual({ data: { sku: 1 }, from: a!.name, topic: 'price.get' });
  });

  it('are answered with what its promise resolves to, and with nothing', async () => {
    const nodes = await world.nodes(2);
    let delayMs = 50;
    nodes[1]!.messaging.handle('price.get', async (data: unknown) => {
      await new Promise<void>((resolve) => void world.clock.after((delayMs -= 10), resolve));
      return data;
    });
    // Answers come as they are ready, each to its question.
    const answers = await Promise.all(
      [1, undefined, null, new Map([[1, new Date(5)]])].map((data) => ask(nodes, data)),
    );
    expect(answers).toEqual([1, undefined, null, new Map([[1, new Date(5)]])]);
  });

  it('go both ways at once', async () => {
    const [a, b] = await world.nodes(2);
    b!.messaging.handle(
      'outer',
      async (i: number, { peer }) => `b ${String(await b!.messaging.request(peer, 'inner', i))}`,
    );
    a!.messaging.handle('inner', (i: number) => `a ${i}`);
    const answers = Promise.all(
      Array.from({ length: 100 }, (_, i) => a!.messaging.request(b!.name, 'outer', i)),
    );
    expect(await world.settled(answers)).toEqual(Array.from({ length: 100 }, (_, i) => `b a ${i}`));
  });

  it('may be long, and so may answers', async () => {
    const nodes = await world.nodes(2);
    nodes[1]!.messaging.handle('price.get', (bytes: Buffer) => Buffer.concat([bytes, bytes]));
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
    const answer = (await ask(nodes, bytes)) as Buffer;
    expect(answer.equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });

  describe('whose handler fails', () => {
    it('reject with a RemoteError that tells of it', async () => {
      const nodes = await world.nodes(2);
      const thrown = Object.assign(new TypeError('no such sku'), { code: 'E_SKU' });
      nodes[1]!.messaging.handle('price.get', () => {
        throw thrown;
      });
      const error = (await world.rejection(ask(nodes, 1))) as RemoteError;
      expect(error).toBeInstanceOf(RemoteError);
      expect(error).toBeInstanceOf(PeerageError);
      expect(error).toMatchObject({
        name: 'RemoteError',
        code: 'REMOTE_ERROR',
        message: 'no such sku',
        node: nodes[1]!.name,
        remoteName: 'TypeError',
        remoteCode: 'E_SKU',
        remoteStack: thrown.stack,
      });
      expect(error.cause).toMatchObject({ name: 'TypeError', message: 'no such sku', stack: thrown.stack });
    });

    it.each(['here', 'there'])('keep the stack to themselves in production %s', async (where) => {
      const nodes = await world.nodes(2);
      nodes[1]!.messaging.handle('price.get', async () => {
        if (where === 'there') vi.stubEnv('NODE_ENV', 'production');
        await Promise.reject(new Error('no'));
      });
      const asked = ask(nodes, 1);
      // The handler is called a moment from now, and the answer comes a moment later.
      if (where === 'here') {
        await world.pass(1);
        vi.stubEnv('NODE_ENV', 'production');
      }
      const error = (await world.rejection(asked)) as RemoteError;
      expect(error.message).toBe('no');
      expect('remoteStack' in error || 'cause' in error).toBe(false);
    });

    it.each([
      ['a text', 'no', 'no'],
      ['nothing', undefined, 'undefined'],
      [
        'an error with odd fields',
        Object.assign(new Error('x'), { message: 5, name: {}, code: {}, stack: 1 }),
        '5',
      ],
    ])('reject also when it threw %s', async (_, thrown, message) => {
      const nodes = await world.nodes(2);
      nodes[1]!.messaging.handle('price.get', () => {
        throw thrown;
      });
      expect(await world.rejection(ask(nodes))).toEqual(coded('REMOTE_ERROR', message));
    });

    it('reject when the answer cannot be sent, and say what is wrong with it', async () => {
      const nodes = await world.nodes(2);
      let answer: () => unknown = () => ({ next: () => 1 });
      nodes[1]!.messaging.handle('price.get', () => answer());
      const why = {
        remoteCode: 'INVALID_MESSAGE',
        message: expect.stringContaining('data.next is a function'),
      };
      expect(await world.rejection(ask(nodes))).toMatchObject(why);
      answer = async () => ({ next: () => 1 });
      expect(await world.rejection(ask(nodes))).toMatchObject(why);
    });
  });

  it('reject when nobody handles them, or more than one', async () => {
    const nodes = await world.nodes(2);
    const [, b] = nodes;
    const noHandler = coded('NO_HANDLER', `Nobody on ${b!.name} handles "price.get".`);
    expect(await world.rejection(ask(nodes))).toEqual(noHandler);
    const end = b!.messaging.handle('price.get', () => 1, 'Prices.get');
    b!.messaging.handle('price.get', () => 2, 'Audit.note');
    expect(await world.rejection(ask(nodes))).toEqual(
      coded(
        'AMBIGUOUS_HANDLER',
        expect.stringContaining('2 handlers of "price.get" (Prices.get, Audit.note)'),
      ),
    );
    end();
    expect(await ask(nodes)).toBe(2);
  });

  it('reject when no answer comes in time, each in its own', async () => {
    const [a, b] = await world.nodes(2);
    b!.messaging.handle('price.get', () => new Promise(() => {}));
    const log: string[] = [];
    const startMs = world.clock.now();
    for (const timeoutMs of [undefined, 300, 7_000, 300, 100]) {
      a!.messaging
        .request(b!.name, 'price.get', 1, timeoutMs === undefined ? {} : { timeoutMs })
        .catch((error: PeerageError) => {
          log.push(`${error.code} ${Math.round((world.clock.now() - startMs) / 100) / 10}`);
        });
    }
    await world.pass(8_000);
    expect(log).toEqual([0.1, 0.3, 0.3, 5, 7].map((seconds) => `REQUEST_TIMEOUT ${seconds}`));
    expect(await world.rejection(a!.messaging.request(b!.name, 'price.get', 1, { timeoutMs: 0 }))).toEqual(
      coded('INVALID_OPTIONS'),
    );
  });

  it.each<[string, unknown]>([
    ['a time that is a text', { timeoutMs: '5000' }],
    ['a time that is no number', { timeoutMs: Number.NaN }],
    ['a time that no timer can wait', { timeoutMs: Infinity }],
    ['a signal that is none', { signal: {} }],
  ])('reject what is no option: %s', async (_what, options) => {
    const [a, b] = await world.nodes(2);
    b!.messaging.handle('x', () => 1);
    expect(await world.rejection(a!.messaging.request(b!.name, 'x', 1, options as object))).toEqual(
      coded('INVALID_OPTIONS'),
    );
  });

  it.each([undefined, null, 5, {}])('reject a recipient that is none: %s', async (recipient) => {
    const [a] = await world.nodes(2);
    for (const send of ['request', 'send'] as const)
      expect(await world.rejection(a!.messaging[send](recipient as never, 'x', 1))).toEqual(
        coded('INVALID_OPTIONS'),
      );
  });

  it('ignore an answer that comes too late, or twice, or from somebody else', async () => {
    const [a, b, c] = await world.nodes(3);
    let ids: number[] = [];
    const receive = (node: typeof a): void =>
      node!.mesh.receive((_from, kind, body) => {
        if (kind === FrameKind.request) ids.push(Number(body[0]));
      });
    receive(b);
    receive(c);
    const late = world.rejection(a!.messaging.request(b!.name, 'x', 1, { timeoutMs: 50 }));
    expect(await late).toEqual(coded('REQUEST_TIMEOUT'));
    b!.mesh.post(a!.mesh.self.bootId, FrameKind.reply, [ids[0], 'late']);
    ids = [];
    const answer = a!.messaging.request(b!.name, 'x', 2);
    await world.until(() => ids.length === 1);
    c!.mesh.post(a!.mesh.self.bootId, FrameKind.reply, [ids[0], 'forged']);
    await world.pass(10);
    for (const text of ['right', 'twice']) b!.mesh.post(a!.mesh.self.bootId, FrameKind.reply, [ids[0], text]);
    for (const id of [ids[0]! + 1, -1, 1.5, '1', null, {}])
      b!.mesh.post(a!.mesh.self.bootId, FrameKind.reply, [id, 'odd']);
    expect(await world.settled(answer)).toBe('right');
    await world.pass(100);
    expect(a!.mesh.peers).toHaveLength(2);
  });

  it('end with the signal, before and while they wait', async () => {
    const nodes = await world.nodes(2);
    let handled = 0;
    nodes[1]!.messaging.handle('price.get', () => {
      handled++;
      return new Promise(() => {});
    });
    const reason = new Error('the user left');
    const early = AbortSignal.abort(reason);
    expect(await world.rejection(ask(nodes, 1, { signal: early }))).toMatchObject({
      code: 'ABORTED',
      cause: reason,
    });
    const controller = new AbortController();
    const asked = ask(nodes, 1, { signal: controller.signal });
    await world.pass(10);
    controller.abort(reason);
    expect(await world.rejection(asked)).toMatchObject({ code: 'ABORTED', cause: reason });
    expect(handled).toBe(1);
  });

  it('take their listeners off the signal when they are over', async () => {
    const nodes = await world.nodes(2);
    nodes[1]!.messaging.handle('price.get', () => 1);
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    await ask(nodes, 1, { signal });
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      added.mock.calls.map(([, listener]) => listener),
    );
    expect(added).toHaveBeenCalledOnce();
  });

  it('reject at once when the peer goes down, and only those to it', async () => {
    const [a, b, c] = await world.nodes(3);
    for (const node of [b!, c!]) node.messaging.handle('price.get', () => new Promise(() => {}));
    const toB = [1, 2, 3].map((i) =>
      world.rejection(a!.messaging.request(b!.name, 'price.get', i, { timeoutMs: 60_000 })),
    );
    const toC = a!.messaging.request(c!.name, 'price.get', 1, { timeoutMs: 60_000 });
    await world.pass(1_000);
    const startMs = world.clock.now();
    await world.crash(b!);
    for (const error of await Promise.all(toB)) {
      expect(error).toEqual(
        coded(
          'PEER_GONE',
          expect.stringMatching(/ went down \(closed\) before it answered the request "price.get"\.$/),
        ),
      );
    }
    expect(world.clock.now() - startMs).toBeLessThan(1_000);
    a!.messaging.stop();
    expect(await world.rejection(toC)).toEqual(coded('NOT_RUNNING'));
  });

  it('wait while the connection is dialled again', async () => {
    const [a, b] = await world.nodes(2);
    b!.messaging.handle('price.get', (data) => data);
    await world.pass(100);
    world.network.reset(addressOf(a!), addressOf(b!));
    const answers = Promise.all(
      Array.from({ length: 20 }, (_, i) => a!.messaging.request(b!.name, 'price.get', i)),
    );
    expect(await world.settled(answers)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(a!.events.filter(({ type }) => type === 'peer.down')).toEqual([]);
  });

  it('learn that the answer finds no room in the queue', async () => {
    const limits = { sendQueueBytes: 20_000, messageBytes: 12_288, frameBytes: 16_384 };
    const nodes = await world.nodes(2, { limits });
    const [a, b] = nodes;
    b!.messaging.handle('price.get', () => Buffer.alloc(9_000));
    await world.pass(100);
    world.network.cutOneWay(addressOf(b!), addressOf(a!));
    const outcomes = Promise.allSettled(
      Array.from({ length: 60 }, async () =>
        a!.messaging.request(b!.name, 'price.get', 1, { timeoutMs: 60_000 }),
      ),
    );
    await world.pass(500);
    world.network.heal();
    const codes = (await world.settled(outcomes)).map((each) =>
      each.status === 'rejected' ? (each.reason as PeerageError).code : 'answered',
    );
    expect(new Set(codes)).toEqual(new Set(['answered', 'OVERLOADED']));
  });

  it('reject what cannot be sent', async () => {
    const nodes = await world.nodes(2);
    expect(await world.rejection(ask(nodes, { f() {} }))).toEqual(
      coded('INVALID_MESSAGE', expect.stringContaining('data.f is a function')),
    );
    const long = ask(nodes, Buffer.alloc(5 * 1024 * 1024));
    expect(await world.rejection(long)).toEqual(
      coded('INVALID_MESSAGE', expect.stringContaining('limits.messageBytes')),
    );
  });

  it.each([
    ['no list', FrameKind.event, { topic: 'x' }],
    ['a topic that is none', FrameKind.event, [1, 2]],
    ['a request without a number', FrameKind.request, ['1', 'x', 1]],
    ['a request without a topic', FrameKind.request, [1, null]],
    ['a failure that is none', FrameKind.error, [1, { code: 1 }]],
    ['no failure at all', FrameKind.error, [1]],
  ])('close the connection that brings %s, and nothing else', async (_, kind, body) => {
    const [a, b] = await world.nodes(2);
    b!.messaging.handle('price.get', () => 'fine');
    await world.pass(100);
    a!.mesh.post(b!.mesh.self.bootId, kind, body as unknown[]);
    await world.pass(1_000);
    // Dialled again at once: both live.
    expect(await world.settled(a!.messaging.request(b!.name, 'price.get', 1))).toBe('fine');
    expect(b!.events.filter(({ type }) => type === 'peer.down')).toEqual([]);
  });
});
