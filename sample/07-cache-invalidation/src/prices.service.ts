import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { Inject, Injectable } from '@nestjs/common';
import type { Cache } from 'cache-manager';
import { ClusterService, OnClusterMessage, OnPeerUp } from 'nestjs-peerage';
import { Database } from './database.js';

@Injectable()
export class PricesService {
  constructor(
    private readonly cluster: ClusterService,
    private readonly database: Database,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  /** From the cache, or else from the database. */
  async priceOf(product: string): Promise<number | undefined> {
    return this.cache.wrap(product, () => this.database.read(product));
  }

  async setPrice(product: string, price: number): Promise<void> {
    await this.database.write(product, price);
    await this.forget(product);
    this.cluster.broadcast('price.changed', product);
  }

  /** Another replica changed it. */
  @OnClusterMessage('price.changed')
  async forget(product: string): Promise<void> {
    await this.cache.del(product);
  }

  /** We may have been apart, and have missed messages. */
  @OnPeerUp()
  async forgetAll(): Promise<void> {
    await this.cache.clear();
  }
}
