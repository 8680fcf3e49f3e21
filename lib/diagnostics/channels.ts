import { channel } from 'node:diagnostics_channel';
import type { ClusterEvent, ClusterEventType } from '../cluster/cluster.events.js';
import type { NodeInfo } from '../naming/node-info.js';

/**
 * What is published on the `node:diagnostics_channel` of each event type: `peerage:peer.up`,
 * `peerage:peer.down`, and so on.
 *
 * @publicApi
 */
export interface PeerageDiagnostic {
  /** The node that saw it: one process may be several. */
  readonly self: NodeInfo;
  /** What `events$` of that node says. */
  readonly event: ClusterEvent;
}

/**
 * The name of the diagnostics channel for events of one type.
 *
 * @publicApi
 */
export function diagnosticsChannelName<T extends ClusterEventType>(type: T): `peerage:${T}` {
  return `peerage:${type}`;
}

/** Tells whoever watches from outside. */
export function publishDiagnostic(diagnostic: PeerageDiagnostic): void {
  const { event } = diagnostic;
  const watched = channel(diagnosticsChannelName(event.type));
  if (watched.hasSubscribers) watched.publish(diagnostic);
}
