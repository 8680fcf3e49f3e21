import { Module } from '@nestjs/common';
import { ClientsModule } from '@nestjs/microservices';
import { peerageClient } from 'nestjs-peerage/microservices';
import { clusterModule } from './cluster.js';
import { GatewayController } from './gateway.controller.js';

@Module({
  imports: [clusterModule('gateway'), ClientsModule.registerAsync([peerageClient('WORKERS')])],
  controllers: [GatewayController],
})
export class GatewayModule {}
