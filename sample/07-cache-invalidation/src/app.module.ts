import { CacheModule } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { PeerageModule, viaLocal } from 'nestjs-peerage';
import { Database } from './database.js';
import { PricesController } from './prices.controller.js';
import { PricesService } from './prices.service.js';

@Module({
  imports: [
    PeerageModule.forRoot({
      appName: 'prices',
      cluster: process.env['CLUSTER'] ?? 'prices',
      via: viaLocal(),
    }),
    // Should a message get lost, a price is wrong for no longer than this.
    CacheModule.register({ ttl: 60_000 }),
  ],
  controllers: [PricesController],
  providers: [Database, PricesService],
})
export class AppModule {}
