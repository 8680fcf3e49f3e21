import { Inject, Injectable, Logger } from '@nestjs/common';
import { describeError } from '../errors/peerage-error.js';
import type { Mesh } from '../mesh/mesh.js';
import { LOG_CONTEXT, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { StatusSocket, statusSocketOf } from '../status/status-socket.js';
import { inRootContext } from '../time/root-context.js';
import { ClusterReports } from './cluster.reports.js';

/** Lets `npx nestjs-peerage status` ask this node, from outside of the app. */
@Injectable()
export class StatusService {
  private readonly socket = new StatusSocket(() => ({
    pid: process.pid,
    explanation: this.reports.explain(),
    peers: this.mesh.peers,
    stats: this.reports.stats(),
  }));
  private opening: Promise<void> | undefined;

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    private readonly reports: ClusterReports,
  ) {}

  /** Nothing waits for it, and a node does without it. */
  start(): void {
    if (this.settings.statusSocket) this.opening ??= inRootContext(() => this.open());
  }

  async stop(): Promise<void> {
    await this.opening;
    await this.socket.close();
  }

  private async open(): Promise<void> {
    try {
      await this.socket.open(statusSocketOf(this.mesh.self.bootId));
    } catch (error) {
      const why = describeError(error);
      new Logger(LOG_CONTEXT).debug(`"npx nestjs-peerage status" cannot ask this node: ${why}`);
    }
  }
}
