import type { SecureContextOptions } from 'node:tls';
import type { NodeName } from './naming/node-name.js';
import type { Via } from './via/provider.js';

/**
 * How liveness is judged. All times in milliseconds, monotonic.
 *
 * @publicApi
 */
export interface HeartbeatOptions {
  /** A beat goes out when a connection was idle this long. @default 1000 */
  readonly intervalMs: number;
  /** Silence that raises suspicion. @default 2500 */
  readonly suspectMs: number;
  /** Silence that ends a peer, times 1 or 2: the evidence says which, and why. @default 4000 */
  readonly downMs: number;
  /** A peer of whom nothing at all was heard for so long is down, whatever our own loop did. @default 20000, or twice downMs */
  readonly capMs: number;
}

/**
 * Bounds on what strangers, peers and providers can cost.
 *
 * @publicApi
 */
export interface LimitOptions {
  /** Inbound connections that have not finished their handshake. @default 128 */
  readonly pendingHandshakes: number;
  /** Deadline of a handshake, and of a dial, in milliseconds. @default 2000 */
  readonly handshakeMs: number;
  /** Bytes of one frame before the handshake is over. @default 16384 */
  readonly helloBytes: number;
  /** Bytes of one frame. Longer messages go in parts. @default 4194304 */
  readonly frameBytes: number;
  /** Bytes of one message, encoded. @default 4194304 */
  readonly messageBytes: number;
  /** Connected peers. @default 512 */
  readonly peers: number;
  /** Bytes that may wait to be sent to one peer. @default 16777216 */
  readonly sendQueueBytes: number;
  /**
   * Messages of one peer that are handled at once: events and requests whose handlers' promises have not ended.
   * Others wait, up to `receiveQueueBytes`. One that takes longer than 30 s counts no more. @default 256
   */
  readonly handlers: number;
  /**
   * Bytes of messages of one peer that are handled or wait for it. The peer sends no more before some are done:
   * what it has beyond that waits in its own queue, up to its `sendQueueBytes`. @default 4194304
   */
  readonly receiveQueueBytes: number;
  /** Dials under way at once; thirty-two listed addresses where nobody answers count as one. @default 32 */
  readonly dials: number;
  /** Names kept from hints (UDP, `serve`, other nodes), and of former peers as many; the oldest goes first. @default 1024 */
  readonly hintedNames: number;
  /** How long a hint is kept unheard, in milliseconds. @default 30000 */
  readonly hintMs: number;
  /** Names taken from one poll answer. @default 4096 */
  readonly polledNames: number;
  /** Deadline of one provider's poll, in milliseconds. @default 5000 */
  readonly pollMs: number;
  /** Presence entries of one node, its own and of each peer. Give all nodes the same. @default 10000 */
  readonly presenceEntries: number;
  /** Bytes of the presence entries of one node, as JSON. Give all nodes the same. @default 4194304 */
  readonly presenceBytes: number;
}

/**
 * Mutual TLS 1.3: both sides show a certificate that `ca` signed. PEM texts or buffers, as `node:tls` takes
 * them.
 *
 * @publicApi
 */
export interface PeerageTlsOptions {
  /** The certificate authorities that sign the certificates of members. Those of the system do not count. */
  readonly ca: NonNullable<SecureContextOptions['ca']>;
  /** The certificate of this node, and those between it and `ca`. It must be good for clients and for servers. */
  readonly cert: NonNullable<SecureContextOptions['cert']>;
  /** The private key of `cert`. */
  readonly key: NonNullable<SecureContextOptions['key']>;
  /** What `key` is encrypted with, if it is. */
  readonly passphrase?: string | undefined;
  /** Lists of certificates that were revoked. @default none */
  readonly crl?: SecureContextOptions['crl'] | undefined;
}

/**
 * Whether boot waits for the cluster.
 *
 * @publicApi
 */
export interface WaitForOptions {
  /** So many peers (without this node) are waited for. */
  readonly peers: number;
  /** For so long at most, in milliseconds, from when this node listens. */
  readonly timeoutMs: number;
  /** `true`: boot fails when the time is over. Otherwise a warning is logged and boot goes on. @default false */
  readonly reject?: boolean | undefined;
}

/** The options with every default filled in. */
type Filled<T> = { readonly [Key in keyof T]-?: NonNullable<T[Key]> };

/** What is left out, or undefined, has its default. */
type SomeOf<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

/**
 * How a node ends.
 *
 * @publicApi
 */
export interface ShutdownOptions {
  /**
   * How long what is under way may take at shutdown, in milliseconds, until this node says goodbye. What is not
   * done by then is given up. 0: goodbye at once. @default 10000
   */
  readonly drainMs?: number | undefined;
}

/**
 * When a node owns keys.
 *
 * @publicApi
 */
export interface OwnershipOptions {
  /**
   * How long a node that has found nobody waits for others, in milliseconds, before it owns anything. With peers it
   * owns its keys as soon as all that it found are connected. @default 3000
   */
  readonly settleMs?: number | undefined;
  /**
   * How long who gains a key waits before it holds it, in milliseconds: so long may the node that loses it take to
   * learn that, and to end. @default 1000
   */
  readonly handoverMs?: number | undefined;
}

/**
 * How many nodes make a majority.
 *
 * @publicApi
 */
export interface QuorumOptions {
  /**
   * The most nodes that ever run at once, those that a rolling update adds included. More than half of them are a
   * majority.
   */
  readonly of: number;
}

/**
 * Options of `PeerageModule`. Each can come from the environment too.
 *
 * @publicApi
 */
export interface PeerageModuleOptions {
  /** Where names come from. @default viaSelf() */
  readonly via?: Via | readonly Via[] | undefined;
  /** The part of the name before @. @default the `name` of the app's package.json, else `node` */
  readonly appName?: string | undefined;
  /**
   * Full node name. Its host and port are what peers dial; `bind` and `port` are where we listen (they
   * differ behind port mapping). Without `port`, the port in the name is listened on too. @default `${appName}@${host}`, with `:${port}` when that is not 4370
   */
  readonly name?: string | undefined;
  /** Label of the cluster; nodes with another one are refused. @default appName */
  readonly cluster?: string | undefined;
  /**
   * The address told to peers. @default PEERAGE_HOST, else the address in `bind`, else POD_IP, else the first
   * non-internal address; 127.0.0.1 when bound to loopback
   */
  readonly host?: string | undefined;
  /** Listen address. @default every address; loopback when there is neither secret, tls nor insecure */
  readonly bind?: string | undefined;
  /**
   * Listen port, TCP and UDP. Left out and busy: a free one is taken and logged. Given and busy: start-up
   * fails with `PORT_IN_USE`. 0: any free one. @default 4370
   */
  readonly port?: number | undefined;
  /**
   * Cluster secrets of at least 16 bytes. The first one dials, all are accepted (rotation). Given but undefined (a
   * variable that is not set): as left out, with a warning. @default none, so only nodes on this machine can join
   */
  readonly secret?: string | readonly string[] | undefined;
  /** Mutual TLS instead of a secret. @default none */
  readonly tls?: PeerageTlsOptions | undefined;
  /** Plaintext beyond loopback, on purpose. @default false */
  readonly insecure?: boolean | undefined;
  /** Told to peers, at most 4 KiB; changeable later with `setMeta`. @default {} */
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
  /** Between polls, jittered by 20 %. @default 10000 */
  readonly intervalMs?: number | undefined;
  /** Delay of the first poll. @default 0 */
  readonly syncOffsetMs?: number | undefined;
  /** Prints the table of each poll at debug level. @default true */
  readonly logResults?: boolean | undefined;
  /**
   * Whether `npx nestjs-peerage status` may ask this node: a local socket that only the same user can open (mode 0600).
   * Not on Windows. @default true
   */
  readonly statusSocket?: boolean | undefined;
  /** Does boot wait for the cluster. @default it does not */
  readonly waitFor?: WaitForOptions | undefined;
  /** How long what is under way may take before goodbye. @default { drainMs: 10000 } */
  readonly shutdown?: ShutdownOptions | undefined;
  /** When this node owns keys. @default { settleMs: 3000, handoverMs: 1000 } */
  readonly ownership?: OwnershipOptions | undefined;
  /** Nothing that runs on one node of the cluster runs on a side without a majority. @default it does on each side */
  readonly quorum?: QuorumOptions | undefined;
  /** When silence makes a peer suspect, and when it ends it. @default { intervalMs: 1000, suspectMs: 2500, downMs: 4000 } */
  readonly heartbeat?: SomeOf<HeartbeatOptions> | undefined;
  /** Bounds on what strangers, peers and providers can cost. @default those that {@link LimitOptions} tells */
  readonly limits?: SomeOf<LimitOptions> | undefined;
}

/** How connections are protected. `none` is plaintext. */
export type Security =
  | { readonly kind: 'secret'; readonly secrets: readonly string[] }
  | { readonly kind: 'tls'; readonly tls: PeerageTlsOptions }
  | { readonly kind: 'none' };

/** The options after validation, with every default filled in: what the rest of the library reads. */
export interface PeerageSettings {
  readonly via: readonly Via[];
  readonly appName: string;
  /** The `name` option, when given. Otherwise the name is made of `appName`, `host` and the port listened on. */
  readonly name?: NodeName;
  readonly cluster: string;
  /** Nobody gave `cluster` or `appName`: the label is the name in a package.json. */
  readonly clusterIsDerived: boolean;
  readonly host: string;
  /** Nobody gave the host: when it turns out to be the wrong one of ours, another one is told. */
  readonly hostIsDetected: boolean;
  /** How the host was chosen, for people. */
  readonly hostBecause: string;
  /** What is said at start. */
  readonly warnings: readonly string[];
  /** Listen address; undefined: every address. */
  readonly bind?: string;
  readonly port: number;
  /** A port that was left out may be replaced by a free one. */
  readonly portIsFixed: boolean;
  readonly security: Security;
  /** The option was given, and is undefined: a variable that is not set, most likely. */
  readonly secretIsUndefined: boolean;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly intervalMs: number;
  readonly syncOffsetMs: number;
  readonly logResults: boolean;
  readonly statusSocket: boolean;
  readonly waitFor?: WaitForOptions;
  readonly shutdown: Filled<ShutdownOptions>;
  readonly ownership: Filled<OwnershipOptions>;
  readonly quorum?: QuorumOptions;
  readonly heartbeat: HeartbeatOptions;
  readonly limits: LimitOptions;
}

export const DEFAULT_HEARTBEAT: HeartbeatOptions = {
  intervalMs: 1_000,
  suspectMs: 2_500,
  downMs: 4_000,
  capMs: 20_000,
};

export const DEFAULT_LIMITS: LimitOptions = {
  pendingHandshakes: 128,
  handshakeMs: 2_000,
  helloBytes: 16 * 1024,
  frameBytes: 4 * 1024 * 1024,
  messageBytes: 4 * 1024 * 1024,
  peers: 512,
  sendQueueBytes: 16 * 1024 * 1024,
  handlers: 256,
  receiveQueueBytes: 4 * 1024 * 1024,
  dials: 32,
  hintedNames: 1_024,
  hintMs: 30_000,
  polledNames: 4_096,
  pollMs: 5_000,
  presenceEntries: 10_000,
  presenceBytes: 4 * 1024 * 1024,
};

export const DEFAULT_SHUTDOWN: Filled<ShutdownOptions> = { drainMs: 10_000 };

export const DEFAULT_OWNERSHIP: Filled<OwnershipOptions> = { settleMs: 3_000, handoverMs: 1_000 };

export const MIN_SECRET_BYTES = 16;
