import { randomBytes } from 'node:crypto';
import { PeerageError } from '../errors/peerage-error.js';
import type { Hello, Welcome } from '../wire/frames.js';
import { FrameKind, WIRE_VERSIONS } from '../wire/frames.js';
import { controlToWire, PROBE_KEY_BYTES, readControlFrame } from '../wire/control-frames.js';
import { createTcpTransport } from '../mesh/transport/tcp/tcp-transport.js';
import type { Link } from '../mesh/transport/transport.js';
import { parseNodeName } from '../naming/node-name.js';
import type { Security } from '../peerage.options.js';
import { DEFAULT_LIMITS } from '../peerage.options.js';

interface DialOptions {
  readonly security: Security;
  readonly cluster: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A node that took us. */
interface Reached {
  readonly welcome: Welcome;
  /** Where it was reached: `host:port`. */
  readonly address: string;
}

/**
 * Dials a node, introduces itself, and hangs up before it would become a peer.
 *
 * @throws PeerageError as `Transport.dial`, and with the code of the refusal.
 */
export async function checkNode(name: string, options: DialOptions): Promise<Reached> {
  const { security, cluster, timeoutMs, signal } = options;
  const limits = { ...DEFAULT_LIMITS, handshakeMs: timeoutMs };
  const transport = createTcpTransport({ port: 0, portIsFixed: false, security, cluster, limits });
  const { host, port } = parseNodeName(name);
  try {
    const link = await transport.dial(host, port, signal);
    const address = link.remoteAddress;
    const welcome = await greet(link, cluster);
    if (welcome.cluster === cluster) return { welcome, address };
    throw new PeerageError('WRONG_CLUSTER', `It is of the cluster "${welcome.cluster}".`);
  } finally {
    await transport.close();
  }
}

function greet(link: Link, cluster: string): Promise<Welcome> {
  return new Promise((resolve, reject) => {
    link.open({
      frame: (kind, body) => {
        resolve(welcomeIn(kind, body));
        link.end();
      },
      heard: () => {},
      closed: (code, error) =>
        reject(error ?? new PeerageError('CONNECTION_LOST', `It closed the connection (${code}).`)),
    });
    link.send(FrameKind.hello, controlToWire({ kind: 'hello', body: helloOf(cluster) }));
  });
}

async function welcomeIn(kind: number, body: unknown): Promise<Welcome> {
  const frame = readControlFrame(kind, body);
  if (frame.kind === 'welcome') return frame.body;
  if (frame.kind === 'refuse') throw new PeerageError(frame.body.code, frame.body.message);
  throw new PeerageError('NOT_PEERAGE', `It answered with the frame "${frame.kind}".`);
}

/** A name that nobody has, so that the node does not take us for one that it knows. */
function helloOf(cluster: string): Hello {
  const bootId = randomBytes(16).toString('hex');
  const host = `${bootId.slice(0, 8)}.invalid`;
  return {
    versions: WIRE_VERSIONS,
    cluster,
    connection: randomBytes(16).toString('hex'),
    node: { name: `discover@${host}:1`, bootId, host, port: 1, meta: {} },
    probeKey: randomBytes(PROBE_KEY_BYTES),
    answersProbes: false,
    peers: 0,
    limits: { frameBytes: DEFAULT_LIMITS.frameBytes, messageBytes: DEFAULT_LIMITS.messageBytes },
  };
}
