import { Injectable } from '@nestjs/common';
import type { PeerageProvider, PollContext } from 'nestjs-peerage';
import { InventoryService } from './inventory.service.js';

/** A class takes part in dependency injection. When it throws, its last good answer stands. */
@Injectable()
export class InventoryProvider implements PeerageProvider {
  constructor(private readonly inventory: InventoryService) {}

  async poll({ signal }: PollContext): Promise<string[]> {
    const machines = await this.inventory.machines(signal);
    return machines.map(({ address, port }) => `custom@${address}:${port}`);
  }
}
