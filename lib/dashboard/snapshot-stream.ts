import type { ServerResponse } from 'node:http';
import type { Clock } from '../time/clock.js';
import { every } from '../time/clock.js';
import type { ClusterWatch } from './cluster-watch.js';
import type { Snapshot } from './snapshot.types.js';

/** So often at least something is sent, so that nobody on the way takes the stream for dead. */
const ALIVE_MS = 15_000;
/** A browser that lost us tries again after so long. */
const RETRY_MS = 2_000;

/** Snapshots are written once, however many pages are open. */
const written = new WeakMap<Snapshot, ReadonlyMap<string, string>>();

/**
 * Sends snapshots to one page: the first one whole, and of each later one the parts that have changed. While the network
 * does not take them only the newest one waits.
 */
export class SnapshotStream {
  private readonly sent = new Map<string, string>();
  private waiting: Snapshot | undefined;
  private isFull = false;
  private readonly stopBeating: () => void;
  private readonly stopWatching: () => void;
  private isOver = false;

  constructor(
    private readonly raw: ServerResponse,
    watch: ClusterWatch,
    clock: Clock,
    private readonly ended: (stream: SnapshotStream) => void,
  ) {
    raw.on('close', () => this.end());
    raw.on('error', () => this.end());
    raw.on('drain', () => this.drained());
    this.write(`retry: ${RETRY_MS}\n\n`);
    this.stopBeating = every(clock, ALIVE_MS, () => this.write(':\n\n'));
    this.stopWatching = watch.watch((snapshot) => this.send(snapshot));
  }

  /** The end, of the page or of this node. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.stopBeating();
    this.stopWatching();
    this.raw.end();
    this.ended(this);
  }

  private send(snapshot: Snapshot): void {
    if (this.isFull) {
      this.waiting = snapshot;
      return;
    }
    const news = [...partsOf(snapshot)].filter(([part, json]) => this.sent.get(part) !== json);
    for (const [part, json] of news) this.sent.set(part, json);
    this.write(`data: {${news.map(([part, json]) => `${JSON.stringify(part)}:${json}`).join(',')}}\n\n`);
  }

  private drained(): void {
    this.isFull = false;
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) this.send(waiting);
  }

  private write(text: string): void {
    if (this.isOver || this.raw.destroyed) return;
    if (!this.raw.write(text)) this.isFull = true;
  }
}

/** The JSON of each part. */
function partsOf(snapshot: Snapshot): ReadonlyMap<string, string> {
  const known = written.get(snapshot);
  if (known) return known;
  const parts = new Map(Object.entries(snapshot).map(([part, value]) => [part, JSON.stringify(value)]));
  written.set(snapshot, parts);
  return parts;
}
