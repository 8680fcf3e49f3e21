import type { ClusterService } from '../cluster/cluster.service.js';
import { OutgoingRequests } from './outgoing-requests.js';
import { PatternRegistry } from './pattern-registry.js';
import { Exchange } from './local-or-remote.js';

/** What all clients and the server of one app share. */
export class TransportState {
  readonly exchange: Exchange;
  readonly patterns: PatternRegistry;
  readonly requests: OutgoingRequests;
  private clients = 0;

  constructor(cluster: ClusterService) {
    this.exchange = new Exchange(cluster);
    this.requests = new OutgoingRequests(this.exchange);
    this.patterns = new PatternRegistry(cluster, (node) => this.requests.gone(node));
  }

  /** One client more uses it. */
  retain(): void {
    this.clients += 1;
    if (this.clients > 1) return;
    this.requests.open();
    this.patterns.open();
  }

  release(): void {
    this.clients -= 1;
    if (this.clients > 0) return;
    this.patterns.close();
    this.requests.close();
  }
}

const states = new WeakMap<ClusterService, TransportState>();

/** Topics have one handler in an app, so its clients share one. */
export function transportStateOf(cluster: ClusterService): TransportState {
  let state = states.get(cluster);
  if (!state) states.set(cluster, (state = new TransportState(cluster)));
  return state;
}
