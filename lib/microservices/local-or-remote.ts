import type { ClusterService } from '../cluster/cluster.service.js';
import { PeerageError } from '../errors/peerage-error.js';
import { THIS_NODE } from '../messaging/peer-directory.js';
import type { NodeInfo } from '../naming/node-info.js';

/** Who a message is for. */
export type NodeRef = Pick<NodeInfo, 'bootId' | 'name'>;

type Handler = (body: unknown, from: NodeInfo) => unknown;

/** Messages to any node, this one included. */
export class Exchange {
  private readonly handlers = new Map<string, Handler>();
  /** Topics that are only refused. */
  private readonly refusals = new Map<string, () => void>();

  constructor(readonly cluster: ClusterService) {}

  /**
   * Takes the messages of one topic, until the returned function is called. `isEarly`: also those that come
   * before the app is ready, since they are not for its handlers.
   *
   * @throws PeerageError `INVALID_OPTIONS` when somebody takes them already.
   */
  handle(topic: string, handler: Handler, isEarly = false): () => void {
    this.refusals.get(topic)?.();
    if (this.handlers.has(topic))
      throw new PeerageError('INVALID_OPTIONS', 'This app listens with two PeerageServers: one handles all.');
    const { cluster } = this;
    const take = (body: unknown, { peer }: { peer: NodeInfo }): unknown => handler(body, peer);
    const end = isEarly ? cluster.messaging.handleEarly(topic, take) : cluster.handle(topic, take);
    this.handlers.set(topic, handler);
    return () => {
      this.handlers.delete(topic);
      end();
    };
  }

  /** Takes the messages of a topic until somebody else does. */
  refuse(topic: string, refuse: Handler): void {
    const end = this.handle(topic, refuse);
    this.refusals.set(topic, () => {
      this.refusals.delete(topic);
      end();
    });
  }

  /** Rejects in the same turn when the message cannot be sent. */
  send(to: NodeRef, topic: string, body: unknown): Promise<void> {
    const { cluster } = this;
    return this.isSelf(to) ? cluster.messaging.send(THIS_NODE, topic, body) : cluster.send(to, topic, body);
  }

  request(to: NodeRef, topic: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const { cluster } = this;
    if (this.isSelf(to)) return cluster.messaging.request(THIS_NODE, topic, body, { timeoutMs });
    return cluster.request(to, topic, body, { timeoutMs });
  }

  /**
   * A packet for several nodes, as it arrives: what it is made of is looked at once, so all of them get the same, or
   * nobody gets anything.
   *
   * @throws PeerageError `INVALID_MESSAGE`
   */
  copyOf(topic: string, packet: unknown, maxBytes?: number): unknown {
    try {
      return this.cluster.messaging.copyOf(topic, packet, maxBytes);
    } catch (error) {
      throw asWritten(error);
    }
  }

  private isSelf({ bootId }: NodeRef): boolean {
    return bootId === this.cluster.self.bootId;
  }
}

/** What cannot be sent by the path that the app knows: without the packet, and the numbers before that. */
export function asWritten(error: unknown): unknown {
  if (!(error instanceof PeerageError) || error.code !== 'INVALID_MESSAGE') return error;
  const message = error.message.replace(/: data(\[\d\])?\.(?=(data|response|err|pattern|metadata)\b)/, ': ');
  return new PeerageError(error.code, message, 'cause' in error ? { cause: error.cause } : undefined);
}
