import type { PeerageModuleOptions } from 'nestjs-peerage';

/** What a replica is told. */
export interface ReplicaConfig {
  readonly http: 'express' | 'fastify';
  /** Where it answers HTTP. */
  readonly port: number;
  readonly options: PeerageModuleOptions;
  /** The node names of all replicas. */
  readonly names: readonly string[];
  /** A signal on which it calls `app.close()`, beside those that Nest listens to. */
  readonly closeOn?: NodeJS.Signals;
}
