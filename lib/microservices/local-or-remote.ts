import type { ClusterService } from '../cluster/cluster.service.js';
import { PeerageError } from '../errors/peerage-error.js';
import { THIS_NODE } from '../messaging/peer-directory.js';
import type { NodeInfo } from '../naming/node-info.js';

/** Who a message is for. */
export type NodeRef = Pick<NodeInfo, 'bootId' | 'name'>;

/** Sends an event to any node, this one included. Rejects in the same turn when it cannot be sent. */
export function sendTo(cluster: ClusterService, to: NodeRef, topic: string, body: unknown): Promise<void> {
  const isSelf = to.bootId === cluster.self.bootId;
  return isSelf ? cluster.messaging.send(THIS_NODE, topic, body) : cluster.send(to, topic, body);
}

/**
 * A packet for several nodes, as it arrives: what it is made of is looked at once, so all of them get the same, or
 * nobody gets anything.
 *
 * @throws PeerageError `INVALID_MESSAGE`
 */
export function copyOf(cluster: ClusterService, topic: string, packet: unknown, maxBytes?: number): unknown {
  try {
    return cluster.messaging.copyOf(topic, packet, maxBytes);
  } catch (error) {
    throw asWritten(error);
  }
}

/** What cannot be sent by the path that the app knows: without the packet. */
export function asWritten(error: unknown): unknown {
  if (!(error instanceof PeerageError) || error.code !== 'INVALID_MESSAGE') return error;
  const message = error.message.replace(/: data\.(?=(data|response|err|pattern|metadata)\b)/, ': ');
  return new PeerageError(error.code, message, 'cause' in error ? { cause: error.cause } : undefined);
}
