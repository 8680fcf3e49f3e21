import { Module } from '@nestjs/common';
import { PeerageModule, viaLocal } from 'nestjs-peerage';
import { NeighboursService } from './neighbours.service.js';

@Module({
  imports: [
    PeerageModule.forRoot({
      appName: 'quick-start',
      // Only nodes with the same label form a cluster. Left out, it is the app name.
      cluster: process.env['CLUSTER'] ?? 'quick-start',
      // Finds the other processes of this user on this machine.
      via: viaLocal(),
    }),
  ],
  providers: [NeighboursService],
})
export class AppModule {}
