import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { PeerageModule } from 'nestjs-peerage';
import { fromVariable } from './from-variable.js';
import { InventoryModule } from './inventory.module.js';
import { InventoryProvider } from './inventory.provider.js';
import { NoticeBoardProvider } from './notice-board.provider.js';

const noticeBoard = process.env['NOTICE_BOARD'] ?? join(tmpdir(), 'notice-board');

@Module({
  imports: [
    InventoryModule,
    PeerageModule.forRoot({
      appName: 'custom',
      port: Number(process.env['PORT'] ?? 0),
      // Their answers are united. One that fails costs the others nothing.
      via: [fromVariable, InventoryProvider, new NoticeBoardProvider(noticeBoard)],
    }),
  ],
})
export class AppModule {}
