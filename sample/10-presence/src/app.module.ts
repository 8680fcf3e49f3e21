import { Module } from '@nestjs/common';
import { PeerageModule, viaLocal } from 'nestjs-peerage';
import { RoomsController } from './rooms.controller.js';
import { RoomsService } from './rooms.service.js';

@Module({
  imports: [
    PeerageModule.forRoot({
      appName: 'rooms',
      cluster: process.env['CLUSTER'] ?? 'rooms',
      via: viaLocal(),
    }),
  ],
  controllers: [RoomsController],
  providers: [RoomsService],
})
export class AppModule {}
