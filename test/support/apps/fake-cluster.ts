import { PeerageError } from '../../../lib/errors/peerage-error.js';
import { NodeState } from '../../../lib/cluster/node-state.js';
import { decodeBody, encodeFrame, HEADER_BYTES } from '../../../lib/wire/frame-writer.js';
import type { ClusterService } from '../../../lib/index.js';
import type { Peer, PeerEvent } from '../../../lib/membership/events.js';
import type { Mesh } from '../../../lib/mesh/mesh.js';
import { errorOf, type Failure, ownFailure } from '../../../lib/messaging/failure.js';
import type { RequestHandler } from '../../../lib/messaging/handlers.js';
import { IncomingRequests } from '../../../lib/messaging/incoming-requests.js';
import type { Messaging } from '../../../lib/messaging/messaging.js';
import { type AnswerSink, OutgoingRequests } from '../../../lib/messaging/outgoing-requests.js';
import { TOPICS } from '../../../lib/microservices/wire.js';
import { FrameKind } from '../../../lib/wire/frames.js';
import type { NextBody, ReplyBody } from '../../../lib/wire/message-frames.js';
import { keyOf, PATTERNS } from '../../../lib/presence/pattern-keys.js';
import { DEFAULT_LIMITS } from '../../../lib/peerage.options.js';
import type { PeerageSettings } from '../../../lib/peerage.options.js';
import { PRESENCE_TOPIC } from '../../../lib/presence/presence-wire.js';
import { Presence } from '../../../lib/presence/presence.service.js';
import type { Clock } from '../../../lib/time/clock.js';
import { systemClock } from '../../../lib/time/clock.js';

type Handler = (data: unknown, context: { peer: Peer; topic: string }) => unknown;
type PeerEventType = 'peer.up' | 'peer.down' | 'peer.degraded' | 'peer.recovered' | 'peer.leaving';

/** A `ClusterService` without a network: what clients and servers of microservices use of it. */
export class FakeCluster {
  readonly self: Peer;
  readonly state = new NodeState();
  readonly presences: Presence;
  drainMs = 0;
  peers: Peer[] = [];
  /** What was sent to others, in order. */
  readonly sent: { readonly to: string; readonly topic: string; readonly data: unknown }[] = [];
  /** What requests to others on these topics are answered with. */
  readonly answers = new Map<string, () => Promise<unknown>>();
  /** What nodes say to themselves, and requests whose answers may come in parts. */
  readonly messaging = {
    handleEarly: (topic: string, handler: Handler) => this.handle(topic, handler),
    send: async (_to: symbol, topic: string, data: unknown): Promise<void> => {
      const copy = this.messaging.copyOf(topic, data);
      await Promise.resolve();
      this.receive(this.self, topic, copy);
    },
    open: (node: Peer, topic: string, data: unknown, what: string, sink: AnswerSink) =>
      this.outgoing.open(node.bootId, what, sink, async (id) => {
        if (node.bootId !== this.self.bootId) return this.send(node, topic, [id, data]);
        const copy = this.messaging.copyOf(topic, data);
        await Promise.resolve();
        this.receive(this.self, topic, [id, copy]);
      }),
    serve: (topic: string, answer: RequestHandler) =>
      this.handle(topic, (body, { peer }) => {
        const [id, data] = body as readonly [number, unknown];
        return answer(data, { peer, topic }, this.incoming.open(peer.bootId, id, true));
      }),
    copyOf: (_topic: string, data: unknown, maxBytes = 1e6): unknown => {
      const frame = encodeFrame(1, [data], maxBytes, ['data']);
      return (decodeBody(frame, HEADER_BYTES, frame.length) as readonly unknown[])[0];
    },
  };
  private readonly outgoing: OutgoingRequests;
  private readonly incoming: IncomingRequests;
  /** What nodes that join have, and tell at once. */
  patterns: readonly string[] = [];
  private readonly meshListeners = new Set<(event: PeerEvent) => void>();
  /** How often each node has told its patterns. */
  private readonly tellings = new Map<string, number>();
  private readonly handlers = new Map<string, Handler>();
  private readonly listeners = new Set<{ type: string; listener: (event: { peer: Peer }) => unknown }>();

  constructor(
    name: string,
    readonly clock: Clock = systemClock,
  ) {
    this.self = peerNamed(name);
    this.state.run();
    const { self } = this;
    const mesh = {
      self,
      subscribe: (listener: (event: PeerEvent) => void) => this.meshListeners.add(listener),
      metBlank: () => false,
      notBlank: () => {},
    };
    const messaging = {
      handleEarly: (topic: string, handler: Handler) => this.handle(topic, handler),
      request: (to: Peer, topic: string, data: unknown) => this.request(to, topic, data),
    };
    const frames = {
      self,
      waitingRequests: () => [],
      waitingBytes: () => 0,
      post: (bootId: string, kind: number, body: readonly unknown[]) => {
        void this.frame(bootId, kind, body);
        return 'queued' as const;
      },
      hand: (bootId: string, kind: number, body: readonly unknown[]) => this.frame(bootId, kind, body),
    };
    this.outgoing = new OutgoingRequests(frames, clock);
    this.incoming = new IncomingRequests(frames, clock);
    this.presences = new Presence(
      mesh as unknown as Mesh,
      clock,
      { limits: DEFAULT_LIMITS } as PeerageSettings,
      messaging as unknown as Messaging,
    );
  }

  get service(): ClusterService {
    return this as unknown as ClusterService;
  }

  peer(name: string): Peer | undefined {
    return this.peers.find((peer) => peer.name === name || peer.bootId === name);
  }

  on(type: string, listener: (event: { peer: Peer }) => unknown): () => void {
    const entry = { type, listener };
    this.listeners.add(entry);
    return () => this.listeners.delete(entry);
  }

  handle(topic: string, handler: Handler): () => void {
    this.handlers.set(topic, handler);
    return () => this.handlers.delete(topic);
  }

  async send(to: Peer, topic: string, data: unknown): Promise<void> {
    this.sent.push({ to: to.name, topic, data });
  }

  async request(to: Peer, topic: string, data: unknown): Promise<unknown> {
    this.sent.push({ to: to.name, topic, data });
    const answer = this.answers.get(topic);
    // It has taken the whole update.
    if (topic === PRESENCE_TOPIC && !answer) return (data as readonly number[])[1];
    if (!answer) throw new PeerageError('NO_HANDLER', `nobody handles ${topic}`);
    return answer();
  }

  /** A message of a peer arrives. Returns what its handler answers. */
  receive(from: Peer, topic: string, data: unknown): unknown {
    if (this.handlers.has(topic)) return this.handlers.get(topic)!(data, { peer: from, topic });
    if (topic !== TOPICS.request) return undefined;
    const [id] = data as readonly [number];
    return this.incoming.fail(
      from.bootId,
      id,
      ownFailure(new PeerageError('NO_HANDLER', `nobody handles ${topic}`), true),
    );
  }

  /** A part of the answer to a request of this node arrives, or nobody wants the answer to one of a peer any more. */
  receiveFrame(from: Peer, kind: 'next' | 'reply' | 'error' | 'cancel', ...body: readonly unknown[]): void {
    const [id, failure] = body as readonly [number, unknown];
    if (kind === 'next') this.outgoing.next(from.bootId, body as unknown as NextBody);
    else if (kind === 'reply') this.outgoing.end(from.bootId, body as unknown as ReplyBody);
    else if (kind === 'cancel') this.incoming.cancel(from.bootId, id);
    else
      this.outgoing.fail(
        from.bootId,
        id,
        errorOf(failure, from.name, false),
        (failure as Failure).untouched === true,
      );
  }

  /** What belongs to requests goes to a peer, or to this node itself. */
  private frame(bootId: string, kind: number, body: readonly unknown[]): Promise<void> {
    const name = Object.entries(FrameKind).find(([, number]) => number === kind)![0] as 'next';
    if (bootId === this.self.bootId) {
      const copy = this.messaging.copyOf(name, body) as readonly unknown[];
      return Promise.resolve().then(() => this.receiveFrame(this.self, name, ...copy));
    }
    return this.send(this.peers.find((peer) => peer.bootId === bootId) ?? peerNamed(bootId), name, body);
  }

  /** The answers that were sent, with the kinds of their frames. */
  get answersSent(): unknown[] {
    return this.sent.flatMap(({ topic, data }) =>
      ['next', 'reply', 'error'].includes(topic) ? [[topic, ...(data as readonly unknown[])]] : [],
    );
  }

  /** A node comes up. `later`: it tells its patterns when it is told to. */
  join(name: string, patterns: readonly string[] | 'later' = this.patterns): Peer {
    const peer = peerNamed(name);
    this.peers = [...this.peers, peer];
    this.say('peer.up', peer);
    if (patterns !== 'later') this.serves(peer, patterns);
    return peer;
  }

  /** A node tells that these are its patterns now. */
  serves(peer: Peer, patterns: readonly string[]): void {
    const telling = (this.tellings.get(peer.bootId) ?? 0) + 1;
    this.tellings.set(peer.bootId, telling);
    const put = patterns.map((pattern, i) => [1_000 * telling + i, 1, PATTERNS, keyOf(pattern), null]);
    this.receive(peer, PRESENCE_TOPIC, [0, telling, false, 0, put, []]);
  }

  /** The patterns that this node tells others now. */
  get offered(): string[] {
    return this.presences
      .of(PATTERNS)
      .list()
      .filter(({ node }) => node.bootId === this.self.bootId)
      .map(({ key }) => key.slice(1));
  }

  /** A peer is in another state from now on. */
  change(peer: Peer, status: Peer['status']): void {
    const changed = { ...peer, status };
    this.peers = this.peers.map((each) => (each.bootId === peer.bootId ? changed : each));
    this.say(status === 'up' ? 'peer.recovered' : `peer.${status}`, changed);
  }

  leave(peer: Peer): void {
    this.peers = this.peers.filter(({ bootId }) => bootId !== peer.bootId);
    this.incoming.endOf(peer.bootId);
    this.outgoing.peerDown(peer.bootId, () => new PeerageError('PEER_GONE', `${peer.name} went down.`));
    this.say('peer.down', peer);
  }

  /** What was sent on a topic. */
  sentOn(topic: string): unknown[] {
    return this.sent.filter((message) => message.topic === topic).map(({ data }) => data);
  }

  private say(type: PeerEventType, peer: Peer): void {
    for (const listener of this.meshListeners) listener({ type, peer } as PeerEvent);
    for (const entry of [...this.listeners]) if (entry.type === type) void entry.listener({ peer });
  }
}

export function peerNamed(name: string, rttMs?: number, status: Peer['status'] = 'up'): Peer {
  const [, host = ''] = name.split('@');
  const rtt = rttMs === undefined ? {} : { rttMs };
  return {
    name,
    bootId: `boot of ${name}`,
    host,
    port: 1,
    meta: {},
    status,
    connectedAt: new Date(0),
    ...rtt,
  };
}
