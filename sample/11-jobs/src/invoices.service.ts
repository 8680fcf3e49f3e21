import { Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { ClusterService, RunOnce } from 'nestjs-peerage';
import type { RunContext } from 'nestjs-peerage';

@Injectable()
export class InvoicesService implements OnApplicationBootstrap {
  private readonly logger = new Logger(InvoicesService.name);

  constructor(private readonly cluster: ClusterService) {}

  /** Of the replicas that start together, one migrates. It has to wait until they have found each other. */
  onApplicationBootstrap(): void {
    void this.migrate().catch((error: Error) => this.logger.error(`The migration failed: ${error.message}`));
  }

  /** The key is the same on every replica: with it a mail server or a database knows a second attempt. */
  @RunOnce()
  @Cron('* * * * * *')
  send({ dueAt, key }: RunContext): void {
    this.logger.log(`Invoices of ${dueAt.toISOString()} are sent (${key})`);
  }

  private async migrate(): Promise<void> {
    const result = await this.cluster.once('migrate', () => this.logger.log('Migrated'), { ttlMs: 60_000 });
    if (!result.ran) this.logger.log(`Migrated by ${result.by ?? 'nobody'}`);
  }
}
