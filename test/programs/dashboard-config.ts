import type { PeerageModuleOptions } from 'nestjs-peerage';

/** What a node that serves the dashboard is told. */
export interface DashboardConfig {
  readonly http: 'express' | 'fastify';
  /** Where it answers HTTP. @default a free port */
  readonly port?: number;
  /** The global prefix of the app. */
  readonly prefix?: string;
  /** With helmet as it is, and with versions in URLs. */
  readonly isHardened?: boolean;
  /** Answers only requests with this in the header `authorization`. */
  readonly password?: string;
  /** Has a job that is due every second, and holds a key. */
  readonly works?: boolean;
  readonly options: PeerageModuleOptions;
  /** The node names of the others. */
  readonly names: readonly string[];
}
