import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterService } from 'nestjs-peerage';
import type { Flood } from './node-config.js';

/** Queues that are full are filled up again after this. */
const REFILL_MS = 20;

/** Sends messages to every peer for so long. Returns how many were taken. */
export async function flood(cluster: ClusterService, { bytes, forMs, everyMs }: Flood): Promise<number> {
  const data = Buffer.alloc(bytes);
  const endMs = performance.now() + forMs;
  let taken = 0;
  while (performance.now() < endMs) {
    const { handed } = cluster.broadcast('flood', data);
    taken += handed;
    if (everyMs !== undefined) await sleep(everyMs);
    else if (handed === 0) await sleep(REFILL_MS);
  }
  return taken;
}
