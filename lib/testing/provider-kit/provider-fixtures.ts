import type { PeerageProvider } from '../../via/provider.js';

/**
 * The source of a provider in the hands of the tests. What is left out is not tested.
 *
 * @publicApi
 */
export interface ProviderFixtures {
  /**
   * Makes the source hold these names and no others. They are of the form `kit@192.0.2.1:4001`: IPv4
   * addresses, all of one app and one port. Called with `[]` before each test, and before each provider is
   * made.
   */
  hold(names: readonly string[]): void | Promise<void>;
  /** Puts these texts, which are no node names, beside what the source holds. */
  addGarbage?(texts: readonly string[]): void | Promise<void>;
  /** Makes the source fail, until `heal`. */
  fail?(): void | Promise<void>;
  /** Makes the source take questions and answer none, until `heal`. */
  hang?(): void | Promise<void>;
  /** Makes the source work again, after `fail` and `hang`. */
  heal?(): void | Promise<void>;
  /** The names that the source holds now: for providers that announce their own node while they serve. */
  held?(): Iterable<string> | Promise<Iterable<string>>;
  /** `serve` hands over new names by itself. @default false */
  readonly pushes?: boolean | undefined;
  /** What it knows is set when it is made. @default false */
  readonly isFixed?: boolean | undefined;
  /** Names that are gone from the source stay in its answers for a while. @default false */
  readonly remembers?: boolean | undefined;
  /** How many names the source can hold. @default 2000 */
  readonly many?: number | undefined;
}

/**
 * Makes a new provider on the source of the fixtures.
 *
 * @publicApi
 */
export type ProviderFactory = () => PeerageProvider | Promise<PeerageProvider>;
