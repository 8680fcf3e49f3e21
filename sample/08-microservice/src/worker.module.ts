import { Module } from '@nestjs/common';
import { clusterModule } from './cluster.js';
import { VisitsController } from './visits.controller.js';

@Module({ imports: [clusterModule('worker')], controllers: [VisitsController] })
export class WorkerModule {}
