import type { ClusterService } from '../cluster/cluster.service.js';
import { PeerageError, describeError } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';

/** Who a message is for. */
export type NodeRef = Pick<NodeInfo, 'bootId' | 'name'>;

type Handler = (body: unknown, from: NodeInfo) => unknown;

/** Messages to any node, this one included: what it says to itself takes no wire. */
export class Exchange {
  private readonly handlers = new Map<string, Handler>();

  constructor(readonly cluster: ClusterService) {}

  /**
   * Takes the messages of one topic, until the returned function is called.
   *
   * @throws PeerageError `INVALID_OPTIONS` when somebody takes them already.
   */
  handle(topic: string, handler: Handler): () => void {
    if (this.handlers.has(topic))
      throw new PeerageError('INVALID_OPTIONS', 'This app listens with two PeerageServers: one handles all.');
    const end = this.cluster.handle(topic, (body, { peer }) => handler(body, peer));
    this.handlers.set(topic, handler);
    return () => {
      this.handlers.delete(topic);
      end();
    };
  }

  /** Rejects in the same turn when the message cannot be sent. */
  send(to: NodeRef, topic: string, body: unknown): Promise<void> {
    if (to.bootId !== this.cluster.self.bootId) return this.cluster.send(to, topic, body);
    return this.sendToSelf(topic, body);
  }

  async request(to: NodeRef, topic: string, body: unknown, timeoutMs: number): Promise<unknown> {
    if (to.bootId !== this.cluster.self.bootId) return this.cluster.request(to, topic, body, { timeoutMs });
    const handler = this.handlers.get(topic);
    if (!handler) throw new PeerageError('NO_HANDLER', `Nobody here handles ${topic}.`);
    return copyOf(await handler(copyOf(body), this.cluster.self));
  }

  /** It is handled after `send` has returned, like every message. */
  private async sendToSelf(topic: string, body: unknown): Promise<void> {
    const copy = copyOf(body);
    await Promise.resolve();
    this.handlers.get(topic)?.(copy, this.cluster.self);
  }
}

/** What arrives must not change when the sender goes on with its data, as it would not behind a wire. */
function copyOf(body: unknown): unknown {
  try {
    return structuredClone(body);
  } catch (cause) {
    throw new PeerageError('INVALID_MESSAGE', `The message cannot be sent: ${describeError(cause)}`, {
      cause,
    });
  }
}
