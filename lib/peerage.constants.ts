/** What the app gave, before validation. */
export const PEERAGE_OPTIONS = Symbol('peerage.options');
/** `via` given beside the factory of `forRootAsync`. */
export const PEERAGE_VIA = Symbol('peerage.via');
/** The options after validation: `PeerageSettings`. */
export const PEERAGE_SETTINGS = Symbol('peerage.settings');
/** The connections of this node: a `Mesh`. */
export const PEERAGE_MESH = Symbol('peerage.mesh');
/** The time everything here goes by: a `Clock`. */
export const PEERAGE_CLOCK = Symbol('peerage.clock');
/** Where jitter comes from: a function like `Math.random`. */
export const PEERAGE_RANDOM = Symbol('peerage.random');
/** Tells the log of other copies of this package, as soon as anything is created. */
export const PEERAGE_COPIES = Symbol('peerage.copies');

/** The metadata key under which a method keeps the types of cluster events it handles. */
export const CLUSTER_EVENT_METADATA = 'peerage:cluster-events';
/** The metadata key under which a method keeps the topics of the messages it handles. */
export const CLUSTER_MESSAGE_METADATA = 'peerage:cluster-messages';

/** The metadata key of a method that runs on the coordinator. */
export const CLUSTER_LEADER_METADATA = 'peerage:cluster-leader';

/** The name of the scheduled poll in the `SchedulerRegistry`. */
export const POLL_TIMEOUT_NAME = 'peerage.poll';

/** The context of every line that is logged. */
export const LOG_CONTEXT = 'Peerage';
