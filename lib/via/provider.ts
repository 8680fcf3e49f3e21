import type { Type } from '@nestjs/common';
import type { NodeInfo } from '../naming/node-info.js';

/**
 * Which nodes a node lets in: those with the same label.
 *
 * @publicApi
 */
export interface ClusterLabel {
  /** The `cluster` option, or what stands for it. */
  readonly label: string;
  /** Nobody chose it: it is the name in the package.json of the app. */
  readonly isDerived: boolean;
}

/**
 * What `poll` is told.
 *
 * @publicApi
 */
export interface PollContext {
  /** The node that asks; its own name may be among the answers. */
  readonly self: NodeInfo;
  /** The cluster of this node; names of other clusters are of no use to it. Peerage always gives it. */
  readonly cluster?: ClusterLabel;
  /** Aborts when the poll takes too long, and when the app shuts down. */
  readonly signal: AbortSignal;
}

/**
 * What `serve` is told.
 *
 * @publicApi
 */
export interface ServeContext extends PollContext {
  /** Hands over names that were just heard of; they are dialled at once. Malformed names are logged and skipped. */
  readonly found: (names: Iterable<string>) => void;
  /**
   * Logs what does not end this provider, but costs the user something, with what to do about it. The same
   * words again are not logged again. Peerage always gives it.
   */
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Where names come from.
 *
 * @publicApi
 */
export interface PeerageProvider {
  /** Shown in logs, events and `explain`. @default the class name */
  readonly name?: string | undefined;
  /**
   * The names known now. Throw when the source cannot be read: the last good answer stands. An empty
   * answer is an answer.
   */
  poll(context: PollContext): Iterable<string> | Promise<Iterable<string>>;
  /**
   * Optional long-running part. Supervised: when it rejects or returns early it is restarted with backoff.
   * Ends on abort.
   */
  serve?(context: ServeContext): Promise<void>;
}

/**
 * A provider as small as one function.
 *
 * @publicApi
 */
export type PollFunction = PeerageProvider['poll'];

/**
 * What `via` takes: a provider, a poll function, or an `@Injectable` class.
 *
 * @publicApi
 */
export type Via = PeerageProvider | PollFunction | Type<PeerageProvider>;
