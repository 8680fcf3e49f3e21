import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { PeerageModule } from 'nestjs-peerage';
import { peerageConfig } from 'nestjs-peerage/config';

@Module({
  imports: [
    // Reads .env. What is wrong with a PEERAGE_* variable is told at start, all of it at once.
    ConfigModule.forRoot(),
    PeerageModule.forRootAsync(peerageConfig.asProvider()),
  ],
})
export class AppModule {}
