import type { NodeView, PeerView } from '../../../lib/cluster/view/node-view.js';
import type { Told } from '../../../lib/dashboard/told.js';

export const NOW_MS = 1_000_000_000;

/** A node that told at this moment that it sees `peers`. */
export function toldNode(name: string, peers: readonly string[], more: Partial<NodeView> = {}): Told {
  return { bootId: idOf(name), name, view: viewOf(name, peers, more), toldAtMs: NOW_MS };
}

export function viewOf(name: string, peers: readonly string[], more: Partial<NodeView> = {}): NodeView {
  return {
    self: { name, bootId: idOf(name), host: '127.0.0.1', port: 4370, meta: {} },
    cluster: 'shop',
    security: 'secret',
    isLeaving: false,
    pid: 1,
    nodeVersion: 'v20.19.0',
    uptimeMs: 60_000,
    loop: { lagMs: 0 },
    peers: peers.map((peer) => peerView(peer)),
    missing: [],
    providers: [],
    holds: [],
    notes: [],
    events: [],
    ...more,
  };
}

export function peerView(name: string, more: Partial<PeerView> = {}): PeerView {
  return { bootId: idOf(name), name, status: 'up', rttMs: 0.4, forMs: 60_000, ...more };
}

/** Every node is given the boot id of its name, for short. */
export function idOf(name: string): string {
  return `id of ${name}`;
}

/** Nodes each of which sees every other. */
export function whole(...names: readonly string[]): Told[] {
  return names.map((name) =>
    toldNode(
      name,
      names.filter((other) => other !== name),
    ),
  );
}
