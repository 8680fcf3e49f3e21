export { observeCluster } from './observe-cluster.js';
export { PeerageOtelModule } from './peerage-otel.module.js';
