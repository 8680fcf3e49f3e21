import { randomBytes } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { preSharedKey } from '../../../lib/mesh/transport/tcp/psk.js';
import { encodeFrame, writeHeader } from '../../../lib/wire/frame-writer.js';
import { FrameKind, WIRE_VERSIONS } from '../../../lib/wire/frames.js';

const LIMIT = 1024 * 1024;

/** One frame, as bytes, and what it is for whoever reads a counterexample. */
export interface HostileFrame {
  readonly says: string;
  readonly bytes: Buffer;
}

/** Names that may be dialled: addresses of this machine where nobody listens. */
const name = fc.integer({ min: 1, max: 250 }).map((byte) => `app@127.9.9.${byte}:9`);
const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'));

/** Whatever the codec can say, and a node would not. */
const oddity = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
  fc.double(),
  fc.bigInt(),
  fc.constantFrom(null, undefined, {}, [], '', -1, 2 ** 53, Number.MAX_VALUE, new Error('boo'), new Map()),
);

/** Bodies of the right shape, with these boot ids in them, for every kind that has one. */
function bodies(bootIds: readonly string[]): Readonly<Record<number, fc.Arbitrary<Record<string, unknown>>>> {
  const bootId = fc.oneof(fc.constantFrom(...bootIds), hex(32));
  const time = fc.double({ min: 0, max: 1e6, noNaN: true });
  const node = fc.record({ name, bootId: hex(32), meta: fc.constant({}) });
  const greeting = {
    cluster: fc.constant('app'),
    node,
    probeKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    peers: fc.nat(),
    limits: fc.constant({ frameBytes: LIMIT, messageBytes: LIMIT }),
    versions: fc.constant(WIRE_VERSIONS),
  };
  return {
    [FrameKind.hello]: fc.record({ ...greeting, connection: fc.string() }),
    [FrameKind.welcome]: fc.record({ ...greeting, version: fc.constant(1), current: fc.string() }),
    [FrameKind.refuse]: fc.record({ code: fc.constantFrom('SELF', 'LEAVING', 'x'), message: fc.string() }),
    [FrameKind.beat]: fc.record({
      sentAt: time,
      echo: time,
      heldMs: time,
      now: fc.boolean(),
      silentMs: time,
    }),
    [FrameKind.leave]: fc.record({ reason: fc.constantFrom('left', 'disconnected', 'x') }),
    [FrameKind.peers]: fc.record({
      peers: fc.array(fc.record({ name, bootId: hex(32) })),
      want: fc.boolean(),
    }),
    [FrameKind.digest]: fc.record({ hash: fc.nat() }),
    [FrameKind.ask]: fc.record({ about: bootId }),
    [FrameKind.answer]: fc.record({ about: bootId, silentMs: time, suspects: fc.boolean() }),
    [FrameKind.meta]: fc.record({ meta: fc.dictionary(fc.string(), fc.jsonValue()) }),
  };
}

const TOPICS = [
  'echo',
  'nobody',
  ...['ask', 'patterns', 'request', 'response', 'cancel', 'roll', 'event'].map(
    (what) => `$microservices.${what}`,
  ),
];
const id = fc.oneof(fc.nat({ max: 2_000 }), fc.integer());
const data = fc.oneof(oddity, fc.tuple(id, oddity), fc.tuple(id, id, oddity));
const topic = fc.constantFrom(...TOPICS);

/** Frames in any order: right ones, right ones with a wrong field, and noise of every kind. */
export function hostileFrames(bootIds: readonly string[]): fc.Arbitrary<HostileFrame[]> {
  const right = Object.entries(bodies(bootIds)).map(([kind, body]) =>
    body.map((each) => ({ kind: Number(kind), body: each as unknown })),
  );
  const twisted = fc.tuple(fc.oneof(...right), fc.nat(), oddity).map(([{ kind, body }, pick, value]) => {
    const keys = Object.keys(body as object);
    return { kind, body: { ...(body as object), [keys[pick % keys.length]!]: value } };
  });
  const message = fc.oneof(
    fc.tuple(topic, data).map((body) => ({ kind: FrameKind.event as number, body: body as unknown })),
    fc.tuple(id, topic, data).map((body) => ({ kind: FrameKind.request as number, body: body as unknown })),
    fc
      .tuple(fc.constantFrom(FrameKind.reply, FrameKind.error), id, data)
      .map(([kind, ...body]) => ({ kind: kind as number, body: body as unknown })),
  );
  const kind = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.nat({ max: 255 }));
  const encoded = fc
    .oneof(
      { weight: 6, arbitrary: fc.oneof(...right) },
      { weight: 4, arbitrary: message },
      { weight: 1, arbitrary: twisted },
      { weight: 1, arbitrary: fc.record({ kind, body: oddity }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.integer({ min: 11, max: 18 }), body: fc.array(oddity) }) },
    )
    .map(encode);
  const noise = fc.tuple(kind, fc.uint8Array({ maxLength: 200 })).map(([each, bytes]) => raw(each, bytes));
  return fc.array(fc.oneof({ weight: 12, arbitrary: encoded }, { weight: 1, arbitrary: noise }), {
    maxLength: 40,
  });
}

function encode({ kind, body }: { kind: number; body: unknown }): HostileFrame {
  try {
    return { says: `${kind} ${fc.stringify(body)}`, bytes: encodeFrame(kind, body, LIMIT) };
  } catch {
    // What cannot be said in our codec.
    return raw(kind, randomBytes(8));
  }
}

function raw(kind: number, body: Uint8Array): HostileFrame {
  const bytes = Buffer.alloc(5 + body.length);
  writeHeader(bytes, 0, body.length + 1, kind);
  bytes.set(body, 5);
  return { says: `${kind} raw ${Buffer.from(body).toString('hex')}`, bytes };
}

/** A member that has the secret, and completes the handshake as any other. */
export class HostileMember {
  private constructor(readonly socket: TLSSocket) {}

  static async join(
    port: number,
    secret: string,
    self: { name: string; bootId: string },
  ): Promise<HostileMember> {
    const { identity, key } = preSharedKey(secret, 'app');
    const socket = connect({
      host: '127.0.0.1',
      port,
      minVersion: 'TLSv1.3',
      ciphers: 'TLS_AES_128_GCM_SHA256',
      pskCallback: () => ({ identity, psk: key }),
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('secureConnect', resolve).once('close', resolve));
    const member = new HostileMember(socket);
    const welcome = new Promise((resolve) => socket.once('data', resolve).once('close', resolve));
    member.say(FrameKind.hello, {
      versions: WIRE_VERSIONS,
      cluster: 'app',
      connection: randomBytes(8).toString('hex'),
      node: { ...self, meta: {} },
      probeKey: randomBytes(32),
      peers: 0,
      limits: { frameBytes: LIMIT, messageBytes: LIMIT },
    });
    await welcome;
    member.say(FrameKind.beat, { sentAt: 1 });
    return member;
  }

  say(kind: number, body: unknown): boolean {
    return this.socket.write(encodeFrame(kind, body, LIMIT));
  }

  /** Sends all of it and hears what is said to that, until the other side ends it or `ms` are over. */
  async send(frames: readonly HostileFrame[], ms: number): Promise<void> {
    for (const { bytes } of frames) if (this.socket.writable) this.socket.write(bytes);
    await new Promise((resolve) => {
      this.socket.once('close', resolve);
      setTimeout(resolve, ms);
    });
    this.leave();
  }

  leave(): void {
    this.socket.destroy();
  }
}
