import { Module } from '@nestjs/common';
import { PeerageModule, viaLocal } from 'nestjs-peerage';
import { PeerageDashboardModule } from 'nestjs-peerage/dashboard';

@Module({
  imports: [
    PeerageModule.forRoot({
      appName: 'dashboard',
      // It joins the processes of 01-quick-start, which do not import the dashboard and are shown all the same.
      cluster: process.env['CLUSTER'] ?? 'quick-start',
      via: viaLocal(),
      meta: { version: process.env['npm_package_version'] ?? '1.0.0' },
    }),
    PeerageDashboardModule.forRoot(),
  ],
})
export class AppModule {}
