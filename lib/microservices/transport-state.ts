import type { ClusterService } from '../cluster/cluster.service.js';
import { OutgoingRequests } from './outgoing-requests.js';
import { PatternRegistry } from './pattern-registry.js';
import { Exchange } from './local-or-remote.js';

/** What all clients and the server of one app share. */
export class SharedRoom {
  readonly exchange: Exchange;
  readonly catalog: PatternRegistry;
  readonly calls: OutgoingRequests;
  private clients = 0;

  constructor(cluster: ClusterService) {
    this.exchange = new Exchange(cluster);
    this.calls = new OutgoingRequests(this.exchange);
    this.catalog = new PatternRegistry(this.exchange, (node) => this.calls.gone(node));
  }

  /** One client more. */
  enter(): void {
    this.clients += 1;
    if (this.clients > 1) return;
    this.calls.open();
    this.catalog.open();
  }

  leave(): void {
    this.clients -= 1;
    if (this.clients > 0) return;
    this.catalog.close();
    this.calls.close();
  }
}

const rooms = new WeakMap<ClusterService, SharedRoom>();

/** Topics have one handler in an app, so its clients share one. */
export function roomOf(cluster: ClusterService): SharedRoom {
  let room = rooms.get(cluster);
  if (!room) rooms.set(cluster, (room = new SharedRoom(cluster)));
  return room;
}
