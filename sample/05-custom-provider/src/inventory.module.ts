import { Module } from '@nestjs/common';
import { InventoryProvider } from './inventory.provider.js';
import { InventoryService } from './inventory.service.js';

@Module({ providers: [InventoryService, InventoryProvider] })
export class InventoryModule {}
