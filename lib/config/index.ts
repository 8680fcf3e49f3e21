export { peerageConfig } from './peerage.config.js';
export { peerageEnvironment } from './environment.schema.js';
export type { EnvironmentSchema } from './environment.schema.js';
