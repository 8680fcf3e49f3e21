import type { PeerageModuleOptions, ViaDnsOptions, ViaLocalOptions, ViaUdpOptions } from 'nestjs-peerage';
import type { ViaKubernetesOptions } from 'nestjs-peerage/kubernetes';
import type { ViaPostgresOptions } from 'nestjs-peerage/postgres';
import type { ViaRedisOptions } from 'nestjs-peerage/redis';

/** Ways in which a provider misbehaves. */
export type Trouble = 'throws' | 'rejects' | 'nonsense' | 'hangs' | 'serve-crashes';

/** A provider of a subpath, as JSON. */
export type SubpathConfig =
  | { readonly redis: ViaRedisOptions }
  | { readonly postgres: ViaPostgresOptions }
  | { readonly kubernetes: ViaKubernetesOptions };

/** One provider, as JSON. */
export type ViaConfig =
  | { readonly list: readonly string[] }
  | { readonly dns: ViaDnsOptions }
  | { readonly udp: ViaUdpOptions }
  | { readonly local: ViaLocalOptions }
  | { readonly file: string }
  /** The custom provider of the samples, on this folder. */
  | { readonly board: string }
  | SubpathConfig
  | { readonly trouble: Trouble; readonly names?: readonly string[] };

/** What `node.ts` is told: the options of the module, with providers as JSON. */
export interface NodeConfig extends Omit<PeerageModuleOptions, 'via'> {
  readonly via?: readonly ViaConfig[];
  /** Instead of all options: the argument of `PeerageModule.forRoot()` as a page has it, empty where that reads the environment. */
  readonly written?: string;
  /** Gets everything ready, and listens only when it is told to. */
  readonly held?: boolean;
  /** Without the log of the app. */
  readonly quiet?: boolean;
  /** Serves the dashboard and the metrics on this port, to everybody. */
  readonly shownAt?: number;
  /** For measurements: prints `full` when it has so many peers, and of the events only `peer.down`. */
  readonly tellAtPeers?: number;
  /** Does nothing else for so long when it has its first peer, as an app does that compiles or warms its caches. */
  readonly blockAtFirstPeerMs?: number;
}

/** A line that `node.ts` prints beside the log. `at` is the wall clock, precise, in milliseconds. */
export type NodeMessage = { readonly at: number } & (
  | { readonly type: 'held' | 'told' | 'full' | 'closed' }
  | { readonly type: 'started'; readonly name: string; readonly bootId: string }
  | { readonly type: 'reply'; readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly type: 'event'; readonly event: Readonly<Record<string, unknown>> & { readonly type: string } }
);

/** A command, one a line, as JSON: answered by the `reply` with its id. */
export interface NodeCommand {
  readonly id: number;
  readonly run:
    | 'start'
    | 'peers'
    | 'connect'
    | 'disconnect'
    | 'poll'
    | 'explain'
    | 'meta'
    | 'load'
    | 'block'
    | 'stall'
    | 'flood'
    | 'seek'
    | 'close';
  readonly argument?: unknown;
}

/** The answer to `load`: how late the event loop was since the last time, and what memory is in use. */
export interface Load {
  readonly maxDelayMs: number;
  readonly meanDelayMs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** The answer to `block`: when the event loop stood still, in milliseconds of the wall clock. */
export interface Block {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** What `stall` is told: the event loop stands still for so long, so often, from now on. */
export interface Stall {
  readonly forMs: number;
  readonly everyMs: number;
}

/** What `seek` is told: what to read until it says something, and how long. */
export interface Sought {
  readonly what: 'metrics' | 'dashboard';
  /** Of a regular expression. */
  readonly pattern: string;
  readonly timeoutMs: number;
}

/** What `flood` is told: keeps the queue to every peer full, or as full as `everyMs` allows, for so long. */
export interface Flood {
  readonly bytes: number;
  readonly forMs: number;
  /** One message to each peer so often; left out: as many as the queues take. */
  readonly everyMs?: number;
}

/** What `many-nodes.ts` is told. */
export interface ManyNodesConfig {
  /** Each is a node's, on 127.0.0.1. */
  readonly ports: readonly number[];
  /** Names of nodes that all of them dial; these tell of the others. */
  readonly seeds: readonly string[];
  readonly secret: string;
  /** Where they listen. @default 127.0.0.1 */
  readonly host?: string;
}

/** A line that `many-nodes.ts` prints when one of its nodes is told that a peer is down. */
export interface DownLine {
  readonly type: 'down';
  readonly by: string;
  readonly about: string;
  readonly reason: string;
  /** The wall clock, in milliseconds. */
  readonly atMs: number;
}
