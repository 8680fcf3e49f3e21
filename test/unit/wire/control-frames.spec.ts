import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { type ControlFrame, FrameKind, MIN_FRAME_BYTES } from '../../../lib/wire/frames.js';
import { controlToWire, readControlFrame } from '../../../lib/wire/control-frames.js';
import { decodeBody, encodeFrame, HEADER_BYTES } from '../../../lib/wire/frame-writer.js';
import { formatNodeName } from '../../../lib/naming/node-name.js';

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const text = fc.string({ maxLength: 40 });
const time = fc.double({ min: 0, max: 1e12, noNaN: true });
const meta = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,8}$/),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  {
    noNullPrototype: true,
  },
);
const nodeName = fc
  .record({
    app: fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/),
    host: fc.oneof(fc.ipV4(), fc.constant('node-1.example.org'), fc.constant('::1')),
    port: fc.integer({ min: 1, max: 65_535 }),
  })
  .map((parts) => ({ name: formatNodeName(parts), host: parts.host, port: parts.port }));
const node = fc
  .record({ name: nodeName, bootId: hex(32), meta })
  .map(({ name, ...rest }) => ({ ...name, ...rest }));
const takes = fc.integer({ min: MIN_FRAME_BYTES, max: Number.MAX_SAFE_INTEGER });
const limits = fc.record({ frameBytes: takes, messageBytes: takes });
const probeKey = fc.uint8Array({ minLength: 32, maxLength: 32 });

const versions = fc.tuple(fc.nat(), fc.nat()).map(([min, more]) => ({ min, max: min + more }));

const bodies: { [K in ControlFrame['kind']]: fc.Arbitrary<Extract<ControlFrame, { kind: K }>['body']> } = {
  hello: fc.record(
    {
      versions,
      cluster: text,
      connection: text,
      node,
      probeKey,
      answersProbes: fc.boolean(),
      peers: fc.nat(),
      blank: fc.constant(true),
      limits,
    },
    {
      requiredKeys: [
        'versions',
        'cluster',
        'connection',
        'node',
        'probeKey',
        'answersProbes',
        'peers',
        'limits',
      ],
    },
  ),
  welcome: fc.record(
    {
      version: fc.nat(),
      versions,
      cluster: text,
      node,
      probeKey,
      answersProbes: fc.boolean(),
      peers: fc.nat(),
      blank: fc.constant(true),
      limits,
      current: text,
    },
    {
      requiredKeys: [
        'version',
        'versions',
        'cluster',
        'node',
        'probeKey',
        'answersProbes',
        'peers',
        'limits',
      ],
    },
  ),
  refuse: fc.record({ code: fc.constantFrom('WRONG_CLUSTER', 'NAME_TAKEN'), message: text }),
  beat: fc.record(
    {
      sentAt: time,
      echo: time,
      heldMs: time,
      now: fc.constant(true),
      silentMs: time,
      unreached: text,
      answersProbes: fc.boolean(),
    },
    { requiredKeys: ['sentAt'] },
  ),
  leaving: fc.record({ heard: fc.constant(true) }, { requiredKeys: [] }),
  leave: fc.record({ reason: fc.constantFrom('left', 'disconnected') }),
  peers: fc.record(
    {
      peers: fc.array(fc.record({ name: nodeName.map(({ name }) => name), bootId: hex(32) })),
      want: fc.constant(true),
    },
    { requiredKeys: ['peers'] },
  ),
  digest: fc.record({ hash: fc.nat() }),
  ask: fc.record({ about: hex(32) }),
  answer: fc.record(
    { about: hex(32), silentMs: time, suspects: fc.constant(true) },
    { requiredKeys: ['about'] },
  ),
  meta: fc.record({ meta }),
};

const frame = fc.oneof(
  ...Object.entries(bodies).map(([kind, body]) =>
    (body as fc.Arbitrary<unknown>).map((value) => ({ kind, body: value }) as ControlFrame),
  ),
);

function overTheWire(sent: ControlFrame): ControlFrame {
  const bytes = encodeFrame(FrameKind[sent.kind], controlToWire(sent), 1e6);
  return readControlFrame(FrameKind[sent.kind], decodeBody(bytes, HEADER_BYTES, bytes.length));
}

describe('control frames', () => {
  it('arrive as they were sent', () => {
    fc.assert(
      fc.property(frame, (sent) => {
        expect(plain(overTheWire(sent))).toEqual(plain(sent));
      }),
    );
  });

  it('of any shape are read, or refused as malformed', () => {
    const kinds = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.nat(255));
    fc.assert(
      fc.property(kinds, fc.anything(), (kind, body) => readsOrRefuses(kind, body)),
      { numRuns: 1_000 },
    );
  });

  it('of a version with other fields are told by their version', () => {
    expect(() => readControlFrame(FrameKind.hello, { versions: { min: 8, max: 9 }, cluster: 'c' })).toThrow(
      expect.objectContaining({ code: 'VERSION_MISMATCH' }),
    );
    expect(() => readControlFrame(FrameKind.welcome, { version: 8, versions: { min: 8, max: 9 } })).toThrow(
      expect.objectContaining({ code: 'VERSION_MISMATCH' }),
    );
  });

  it('with one field broken are read, or refused as malformed', () => {
    const broken = fc.tuple(frame, fc.anything(), fc.nat()).map(([{ kind, body }, value, pick]) => ({
      kind,
      body: withBroken(controlToWire({ kind, body } as ControlFrame), value, pick),
    }));
    fc.assert(
      fc.property(broken, ({ kind, body }) => readsOrRefuses(FrameKind[kind], body)),
      { numRuns: 1_000 },
    );
  });

  it('refuse a duration below 0', () => {
    const malformed = expect.objectContaining({ code: 'MALFORMED_FRAME' });
    const about = 'a'.repeat(32);
    expect(() => readControlFrame(FrameKind.beat, { sentAt: 1, silentMs: -1 })).toThrow(malformed);
    expect(() => readControlFrame(FrameKind.answer, { about, silentMs: -1 })).toThrow(malformed);
  });

  it.each([
    ['a name that is none', { name: 'noat' }],
    ['a name with a line break', { name: 'app\n@10.0.0.1' }],
    ['a boot id that is none', { bootId: 'x' }],
    ['no meta', { meta: undefined }],
  ])('refuse a node with %s', (_what, fault) => {
    const sent = { name: 'app@10.0.0.1', bootId: 'a'.repeat(32), meta: {}, ...fault };
    const hello = {
      versions: { min: 1, max: 1 },
      cluster: 'c',
      connection: 'x',
      node: sent,
      probeKey: new Uint8Array(32),
      peers: 0,
      limits: { frameBytes: 65_536, messageBytes: 65_536 },
    };
    expect(() => readControlFrame(FrameKind.hello, hello)).toThrow(
      expect.objectContaining({ code: 'MALFORMED_FRAME' }),
    );
  });

  it.each([
    ['beat', { sentAt: '1' }],
    ['beat', { sentAt: Number.NaN }],
    ['beat', { sentAt: 1, echo: Number.POSITIVE_INFINITY }],
    ['digest', {}],
    ['refuse', { code: 1, message: 'x' }],
    ['peers', { peers: 'all' }],
    ['peers', { peers: [{ name: 'app@10.0.0.1', bootId: 'A'.repeat(32) }] }],
    ['meta', { meta: [] }],
    ['ask', { about: 'nobody' }],
  ] as const)('refuse a %s of %j', (kind, body) => {
    expect(() => readControlFrame(FrameKind[kind], body)).toThrow(
      expect.objectContaining({ code: 'MALFORMED_FRAME' }),
    );
  });

  it('keep long texts of strangers out of logs', () => {
    const refuse = { code: 'WRONG_CLUSTER', message: 'x'.repeat(2_000) };
    expect(() => readControlFrame(FrameKind.refuse, refuse)).toThrow(
      expect.objectContaining({ code: 'MALFORMED_FRAME' }),
    );
  });
});

function readsOrRefuses(kind: number, body: unknown): void {
  try {
    readControlFrame(kind, body);
  } catch (error) {
    expect(error).toBeInstanceOf(PeerageError);
    expect(['MALFORMED_FRAME', 'VERSION_MISMATCH']).toContain((error as PeerageError).code);
  }
}

function withBroken(body: unknown, value: unknown, pick: number): unknown {
  const keys = Object.keys(body as object);
  return { ...(body as object), [keys[pick % keys.length] ?? '']: value };
}

/** Binaries come back as Buffers. */
function plain(value: ControlFrame): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => (each instanceof Uint8Array ? [...each] : each)),
  );
}
