import { Module } from '@nestjs/common';
import { PeerageModule, viaList } from 'nestjs-peerage';

const port = Number(process.env['PORT'] ?? 4371);
const names = process.env['NODES'] ?? 'list@127.0.0.1:4371 list@127.0.0.1:4372 list@127.0.0.1:4373';

@Module({
  // Every node can have the same list: it recognises its own name.
  imports: [PeerageModule.forRoot({ appName: 'list', port, via: viaList(names.split(' ')) })],
})
export class AppModule {}
