import type { PeerageModuleOptions } from 'nestjs-peerage';

/** What a holder is told. */
export interface HolderConfig {
  readonly options: PeerageModuleOptions;
  /** The node names of all. */
  readonly names: readonly string[];
  /** What all want to hold. */
  readonly keys: readonly string[];
}
