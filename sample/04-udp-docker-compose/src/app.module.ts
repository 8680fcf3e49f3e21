import { Module } from '@nestjs/common';
import { PeerageModule, viaUdp } from 'nestjs-peerage';

@Module({
  imports: [
    PeerageModule.forRoot({
      appName: 'myapp',
      // With a secret, announcements are signed and connections encrypted. compose.yaml sets it.
      secret: process.env['CLUSTER_SECRET'] ?? '',
      via: viaUdp({ port: Number(process.env['UDP_PORT'] ?? 45_900) }),
    }),
  ],
})
export class AppModule {}
