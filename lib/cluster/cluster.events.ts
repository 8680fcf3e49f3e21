import type { DiscoveryEvent } from '../discovery/poll-report.js';
import type { PeerEvent } from '../membership/events.js';

export type { PollReport, ProviderReport } from '../discovery/poll-report.js';

/**
 * Everything that happens in the cluster, as this node sees it. `at` is the wall clock of this node.
 *
 * @publicApi
 */
export type ClusterEvent = { readonly at: Date } & (PeerEvent | DiscoveryEvent);

/**
 * The types of cluster events: `peer.up`, `peer.down`, and so on.
 *
 * @publicApi
 */
export type ClusterEventType = ClusterEvent['type'];

/**
 * The cluster event of one type.
 *
 * @publicApi
 */
export type ClusterEventOf<T extends ClusterEventType> = Extract<ClusterEvent, { readonly type: T }>;

/**
 * What `@OnPeerUp()` handlers are given.
 *
 * @publicApi
 */
export type PeerUpEvent = ClusterEventOf<'peer.up'>;

/**
 * What `@OnPeerDown()` handlers are given.
 *
 * @publicApi
 */
export type PeerDownEvent = ClusterEventOf<'peer.down'>;
