import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { PeerageModule, viaLocal } from 'nestjs-peerage';
import { InvoicesService } from './invoices.service.js';

@Module({
  imports: [
    ScheduleModule.forRoot(),
    PeerageModule.forRoot({
      appName: 'invoices',
      cluster: process.env['CLUSTER'] ?? 'invoices',
      via: viaLocal(),
    }),
  ],
  providers: [InvoicesService],
})
export class AppModule {}
