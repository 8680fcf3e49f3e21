export { PeerageClient, peerageClient } from './peerage.client.js';
export type { PeerageClientOptions } from './peerage.client.js';
export { PeerageServer, peerageMicroservice } from './peerage.server.js';
export type { PeerageServerOptions } from './peerage.server.js';
export { PeerageContext } from './peerage.context.js';
export { PEERAGE } from './peerage.options.js';
export type { PeerageEvents, PeerageTransportOptions } from './peerage.options.js';
export type { Route } from './route.js';
