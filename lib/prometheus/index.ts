export { registerCluster } from './register-cluster.js';
export { PeeragePrometheusModule } from './peerage-prometheus.module.js';
export type { PeeragePrometheusOptions } from './peerage-prometheus.module.js';
