import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterService } from 'nestjs-peerage';
import type { Flood } from './node-config.js';

/** The frame kind of an event. */
const EVENT = 11;

/** Queues that are full are filled up again after this. */
const REFILL_MS = 20;

interface Posting {
  post(bootId: string, kind: number, body: unknown): 'queued' | 'full' | 'waiting' | 'gone';
}

/** Sends messages to every peer for so long. Returns how many were taken. */
export async function flood(cluster: ClusterService, { bytes, forMs, everyMs }: Flood): Promise<number> {
  // Below the messages of the app: what matters here is what they do to the connection.
  const mesh = cluster['mesh'] as Posting;
  const body = { topic: 'flood', data: Buffer.alloc(bytes) };
  const endMs = performance.now() + forMs;
  let taken = 0;
  while (performance.now() < endMs) {
    for (const { bootId } of cluster.peers) {
      while (mesh.post(bootId, EVENT, body) === 'queued') {
        taken += 1;
        if (everyMs !== undefined) break;
      }
    }
    await sleep(everyMs ?? REFILL_MS);
  }
  return taken;
}
