import { afterEach, describe, expect, it } from 'vitest';
import type { Transport } from '../../../lib/mesh/transport/transport.js';
import { DEFAULT_LIMITS, type LimitOptions } from '../../../lib/peerage.options.js';
import { RecordedAcceptor, RecordedLink } from './recorded-link.js';

export interface TransportRequest {
  readonly port?: number;
  readonly portIsFixed?: boolean;
  readonly secret?: string;
  readonly cluster?: string;
  readonly limits: LimitOptions;
}

export interface ConformanceSetup {
  /** A transport of a node of its own on the one network of the test. */
  make(request: TransportRequest): Transport;
  readonly hasSecrets: boolean;
}

type Wish = Omit<Partial<TransportRequest>, 'limits'> & { readonly limits?: Partial<LimitOptions> };

const SECRET = 'a secret that is long enough';
const LOCAL = '127.0.0.1';

/** What every transport must do. One suite, so that the one in memory is as good as the one on sockets. */
export function describeTransport(name: string, setUp: () => ConformanceSetup): void {
  describe(`${name} as a Transport`, () => {
    const open: Transport[] = [];

    afterEach(async () => {
      await Promise.all(open.splice(0).map((transport) => transport.close()));
    });

    const make = ({ limits, ...wish }: Wish = {}): Transport => {
      const transport = setUp().make({ secret: SECRET, ...wish, limits: { ...DEFAULT_LIMITS, ...limits } });
      open.push(transport);
      return transport;
    };

    const listen = async (wish: Wish = {}) => {
      const door = new RecordedAcceptor();
      const transport = make(wish);
      const { port } = await transport.listen(door);
      return { door, transport, port };
    };

    const dial = async (port: number, wish: Wish = {}, signal = new AbortController().signal) =>
      new RecordedLink(await make(wish).dial(LOCAL, port, signal));

    /** Two ends of one link. Both have said hello (kind 1), and that is gone from the record. */
    const connect = async (wish: Wish = {}, { established = true } = {}) => {
      const { door, transport, port } = await listen(wish);
      const near = await dial(port, wish);
      near.link.send(1, 'hello');
      const far = await door.link();
      await far.received(1);
      far.link.send(1, 'hello');
      await near.received(1);
      for (const end of [near, far]) end.frames.length = end.log.length = 0;
      if (established) for (const { link } of [near, far]) link.established();
      return { near, far, door, port, transport };
    };

    const failure = (promise: Promise<unknown>) =>
      promise.then(
        () => expect.fail('it resolved'),
        (error: unknown) => error as { code: string; message: string },
      );

    it('carries frames both ways, in order and intact', async () => {
      const { near, far } = await connect();
      const bodies = [
        undefined,
        null,
        'ü€𝄞',
        -1.5,
        2 ** 53 - 1,
        12345678901234567890n,
        new Date(1_700_000_000_123),
        new Set([1, 'a']),
        new Float64Array([1.5, -2]),
        { a: [{ b: true }], c: undefined },
      ];
      bodies.forEach((body, index) => near.link.send(index + 1, body));
      await far.received(bodies.length);
      expect(far.bodies).toEqual(bodies);
      expect(far.frames.map(({ kind }) => kind)).toEqual(bodies.map((_, index) => index + 1));
      far.link.send(13, Buffer.from('binary'));
      await near.received(1);
      expect(near.frames).toEqual([{ kind: 13, body: Buffer.from('binary') }]);
    });

    it('says that bytes arrived before it hands over their frames', async () => {
      const { near, far } = await connect();
      near.link.send(2, 'x');
      await far.received(1);
      expect(far.log).toEqual(['heard', 'frame 2']);
    });

    it('lets urgent frames overtake, in their own order', async () => {
      const { near, far } = await connect();
      for (const kind of [1, 2, 3]) near.link.send(kind, 'normal');
      for (const kind of [4, 5]) near.link.send(kind, 'urgent', `of ${kind}`);
      await far.received(5);
      expect(far.frames.map(({ kind }) => kind)).toEqual([4, 5, 1, 2, 3]);
    });

    it('delivers binaries that later frames do not overwrite', async () => {
      const { near, far } = await connect();
      for (let i = 0; i < 200; i++) near.link.send(1, Buffer.alloc(100 + i, i));
      await far.received(200);
      far.bodies.forEach((body, i) => expect(body).toEqual(Buffer.alloc(100 + i, i)));
    });

    it('carries more than the network takes at once, small and large frames mixed', async () => {
      const { near, far } = await connect();
      const sizes = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 300_000 : 50 * i));
      for (const size of sizes) expect(near.link.send(1, Buffer.alloc(size, size))).toBe(true);
      expect(near.link.queuedBytes).toBeGreaterThan(6_000_000);
      await far.received(sizes.length);
      const isIntact = (body: unknown, i: number) => Buffer.alloc(sizes[i]!, sizes[i]).equals(body as Buffer);
      expect(far.bodies.every(isIntact)).toBe(true);
      expect(near.link.queuedBytes).toBe(0);
    });

    it('bounds what waits to be sent, but for urgent frames', async () => {
      const { near, far } = await connect({ limits: { sendQueueBytes: 10_000 } });
      let sent = 0;
      while (near.link.send(1, Buffer.alloc(1000))) sent++;
      expect(sent).toBe(9);
      expect(near.link.queuedBytes).toBeLessThanOrEqual(10_000);
      expect(near.link.send(2, 'beat', 'beat')).toBe(true);
      await far.received(10);
      expect(near.link.send(3, 'again')).toBe(true);
      await far.received(11);
    });

    it('refuses to send what the other side could not read, and lives on', async () => {
      const { near, far } = await connect();
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      const bodies = [() => {}, /x/, circular, Symbol('x'), new Map([[{}, Promise.resolve()]])];
      for (const body of bodies) {
        expect(() => near.link.send(1, body)).toThrow(expect.objectContaining({ code: 'INVALID_MESSAGE' }));
      }
      near.link.send(2, 'fine');
      await far.received(1);
      expect(far.bodies).toEqual(['fine']);
    });

    it('sends what is queued before it ends, and both sides see EOF once', async () => {
      const { near, far } = await connect();
      for (let i = 0; i < 100; i++) near.link.send(1, Buffer.alloc(20_000, i));
      near.link.end();
      expect(near.link.send(1, 'too late')).toBe(false);
      expect(await far.closed).toEqual({ code: 'EOF', error: undefined });
      expect(await near.closed).toEqual({ code: 'EOF', error: undefined });
      expect(far.frames).toHaveLength(100);
      expect(far.log.at(-1)).toBe('closed EOF');
      near.link.destroy();
      near.link.end();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(near.log.filter((line) => line.startsWith('closed'))).toHaveLength(1);
    });

    it('is destroyed at once, with the code it was given, and says nothing more', async () => {
      const { near, far } = await connect();
      far.onFrame = () => far.link.destroy(Object.assign(new Error('no'), { code: 'NAME_TAKEN' }) as never);
      for (let i = 0; i < 50; i++) near.link.send(1, i);
      const { code, error } = await far.closed;
      expect({ code, message: error?.message }).toEqual({ code: 'NAME_TAKEN', message: 'no' });
      expect(far.frames).toHaveLength(1);
      expect(far.link.send(1, 'too late', 'beat')).toBe(false);
      expect((await near.closed).code).toMatch(/^(EOF|ECONNRESET|EPIPE)$/);
      expect(far.log).toEqual(['heard', 'frame 1', 'closed NAME_TAKEN']);
    });

    it('tells `closed` in a later turn', async () => {
      const { near } = await connect();
      near.link.destroy();
      expect(near.log).toEqual([]);
      expect((await near.closed).code).toBe('EOF');
    });

    it('tells `closed` to handlers that came late', async () => {
      const { port } = await listen();
      const link = await make().dial(LOCAL, port, new AbortController().signal);
      link.destroy();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect((await new RecordedLink(link).closed).code).toBe('EOF');
    });

    it('takes only small frames before the handshake is over', async () => {
      const { near, far } = await connect({ limits: { helloBytes: 1000 } }, { established: false });
      expect(() => near.link.send(1, Buffer.alloc(1000))).toThrow(
        expect.objectContaining({ code: 'INVALID_MESSAGE' }),
      );
      near.link.established();
      near.link.send(1, Buffer.alloc(1000));
      expect((await far.closed).code).toBe('FRAME_TOO_LARGE');
    });

    it('takes frames up to the limit afterwards', async () => {
      const { near, far } = await connect({ limits: { helloBytes: 1000, frameBytes: 5000 } });
      near.link.send(1, Buffer.alloc(4990));
      await far.received(1);
      expect(() => near.link.send(1, Buffer.alloc(5000))).toThrow(
        expect.objectContaining({ code: 'INVALID_MESSAGE' }),
      );
    });

    it('ends a handshake that takes too long, on either side', async () => {
      const { near, far } = await connect({ limits: { handshakeMs: 150 } }, { established: false });
      near.link.established();
      expect((await far.closed).code).toBe('HANDSHAKE_TIMEOUT');

      const other = await connect({ limits: { handshakeMs: 150 } }, { established: false });
      other.far.link.established();
      const { code, error } = await other.near.closed;
      expect({ code, of: error?.code }).toEqual({ code: 'HANDSHAKE_TIMEOUT', of: 'HANDSHAKE_TIMEOUT' });
    });

    it('leaves links alone whose handshake is over', async () => {
      const { near, far } = await connect({ limits: { handshakeMs: 500 } });
      await new Promise((resolve) => setTimeout(resolve, 700));
      near.link.send(1, 'still here');
      await far.received(1);
    });

    it('bounds the handshakes under way', async () => {
      const limits = { pendingHandshakes: 1, handshakeMs: 30_000 };
      const { door, port, far } = await connect({ limits }, { established: false });
      await dial(port).then(
        ({ closed }) => closed,
        () => undefined,
      );
      expect((await door.refusal()).code).toBe('TOO_MANY_HANDSHAKES');
      far.link.established();
      const next = await dial(port);
      next.link.send(1, 'hello');
      await (await door.link(1)).received(1);
    });

    it('says that nobody listens', async () => {
      const { port, transport } = await listen();
      await transport.close();
      expect((await failure(dial(port))).code).toBe('CONNECTION_REFUSED');
    });

    it('gives up a dial on abort', async () => {
      const { port } = await listen();
      const before = AbortSignal.abort();
      expect((await failure(dial(port, {}, before))).code).toBe('ABORTED');
      const during = new AbortController();
      const dialling = failure(dial(port, {}, during.signal));
      during.abort();
      expect((await dialling).code).toBe('ABORTED');
    });

    it('takes another port when one that is not fixed is busy', async () => {
      const { port } = await listen();
      const other = await listen({ port });
      expect(other.port).not.toBe(port);
      expect(other.port).toBeGreaterThan(0);
      const fixed = make({ port, portIsFixed: true }).listen(new RecordedAcceptor());
      expect((await failure(fixed)).code).toBe('PORT_IN_USE');
    });

    it('closes everything, more than once, and dials no more', async () => {
      const { near, far, transport, port } = await connect();
      const dialling = failure(transport.dial(LOCAL, port, new AbortController().signal));
      far.link.send(1, 'last words');
      await Promise.all([transport.close(), transport.close()]);
      expect((await dialling).code).toBe('ABORTED');
      expect((await far.closed).code).toBe('EOF');
      expect((await near.closed).code).toBe('EOF');
      expect(near.bodies).toEqual(['last words']);
      const later = transport.dial(LOCAL, port, new AbortController().signal);
      expect((await failure(later)).code).toBe('ABORTED');
      expect((await listen({ port, portIsFixed: true })).port).toBe(port);
    });

    it('closes although nothing was opened, and although a link was never used', async () => {
      await make().close();
      const { port } = await listen();
      const dialer = make();
      await dialer.dial(LOCAL, port, new AbortController().signal);
      await dialer.close();
    });

    if (setUp().hasSecrets)
      describe('with a secret', () => {
        it('refuses another one, and both sides learn why', async () => {
          const { door, port } = await listen();
          const error = await failure(dial(port, { secret: 'another secret, as long' }));
          expect(error.code).toBe('WRONG_SECRET');
          expect(error.message).toContain('secret or the cluster label differs');
          expect((await door.refusal()).code).toBe('WRONG_SECRET');
          expect(door.links).toEqual([]);
        });

        it('refuses another cluster label', async () => {
          const { door, port } = await listen({ cluster: 'one' });
          expect((await failure(dial(port, { cluster: 'two' }))).code).toBe('WRONG_SECRET');
          expect((await door.refusal()).code).toBe('WRONG_CLUSTER');
          expect(door.links).toEqual([]);
        });
      });
  });
}
