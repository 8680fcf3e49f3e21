import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stranger } from './udp.js';

/** Sends datagrams at a steady rate until all are out, or until it is stopped. */
export class Flood {
  private isStopped = false;
  private readonly sending: Promise<number>;

  constructor(
    stranger: Stranger,
    datagram: (i: number) => string | Buffer,
    count: number,
    perSecond: number,
  ) {
    this.sending = this.run(stranger, datagram, count, perSecond);
  }

  /** How many were sent. */
  get sent(): Promise<number> {
    return this.sending;
  }

  stop(): Promise<number> {
    this.isStopped = true;
    return this.sending;
  }

  private async run(
    stranger: Stranger,
    datagram: (i: number) => string | Buffer,
    count: number,
    perSecond: number,
  ): Promise<number> {
    const startMs = performance.now();
    let sent = 0;
    while (sent < count && !this.isStopped) {
      const due = Math.min(count, Math.ceil(((performance.now() - startMs) * perSecond) / 1_000));
      for (; sent < due; sent++) await stranger.send(datagram(sent));
      await sleep(5);
    }
    return sent;
  }
}
