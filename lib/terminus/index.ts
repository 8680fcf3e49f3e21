export { PeerageHealthIndicator } from './peerage-health.indicator.js';
export type { ReadinessOptions } from './health.js';
