import type { PollContext, ServeContext } from '../provider.js';

/** What a provider of this package can do for the address that its node tells. */
export interface OwnAddressAdvice {
  /**
   * Another live node has the address that this one tells. `ours`: one of this machine from which others are reached; it
   * is told from now on, unless somebody gave the address. The name in the context says whether it was.
   */
  readonly addressTaken?: ((ours: string) => void) | undefined;
}

/** What `serve` of a provider of this package is told. */
export type AdvisedContext = ServeContext & OwnAddressAdvice;

/** What `poll` of a provider of this package is told by who looks from outside. */
export interface WarnedPoll extends PollContext {
  /** Takes what is odd about the answer, for people. */
  readonly warn?: ((message: string) => void) | undefined;
}
