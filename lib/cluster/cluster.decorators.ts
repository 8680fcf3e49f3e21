import type { Held } from '../ownership/holder.js';
import { CLUSTER_EVENT_METADATA, CLUSTER_LEADER_METADATA } from '../peerage.constants.js';
import { addMetadata } from './cluster-metadata.accessor.js';
import { assertEventType } from './event-types.js';
import type { ClusterEventOf, ClusterEventType } from './cluster.events.js';

/**
 * Decorates a method that takes the event, or nothing.
 *
 * @publicApi
 */
export type ClusterEventDecorator<T extends ClusterEventType> = <
  M extends (event: ClusterEventOf<T>) => unknown,
>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Calls the method with every cluster event of one type. For methods of providers and controllers;
 * repeatable. What the method throws is logged and harms nobody. For one peer it is called again only after
 * it has ended, its promise included.
 *
 * @throws PeerageError `INVALID_OPTIONS` when there is no such event
 * @publicApi
 */
export function OnClusterEvent<T extends ClusterEventType>(type: T): ClusterEventDecorator<T> {
  assertEventType(type, '@OnClusterEvent()');
  return (target, key) => addMetadata(CLUSTER_EVENT_METADATA, target, key, type);
}

/**
 * Calls the method when a node became a peer. See {@link OnClusterEvent}.
 *
 * @publicApi
 */
export const OnPeerUp = (): ClusterEventDecorator<'peer.up'> => OnClusterEvent('peer.up');

/**
 * Calls the method when a node is no peer any more. See {@link OnClusterEvent}.
 *
 * @publicApi
 */
export const OnPeerDown = (): ClusterEventDecorator<'peer.down'> => OnClusterEvent('peer.down');

/**
 * Decorates a method that takes `{ signal }`, or nothing.
 *
 * @publicApi
 */
export type CoordinatorDecorator = <M extends (held: Held) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Runs the method on the one node that is the coordinator. Its signal aborts when this node is that no more, and before
 * it says goodbye on shutdown: the method has `ownership.handoverMs` to end. When it fails it is logged and begun
 * again; when it ends by itself it is not called again before another node has been the coordinator.
 *
 * While the network is split each side has a coordinator, unless `quorum` says how many nodes there are.
 *
 * @publicApi
 */
export function OnCoordinator(): CoordinatorDecorator {
  return (target, key) => addMetadata(CLUSTER_LEADER_METADATA, target, key, 'coordinator');
}
