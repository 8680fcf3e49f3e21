import { PeerageModule, viaLocal } from 'nestjs-peerage';

/** Workers and gateways form one cluster. */
export const clusterModule = (appName: string) =>
  PeerageModule.forRoot({ appName, cluster: process.env['CLUSTER'] ?? 'visits', via: viaLocal() });
