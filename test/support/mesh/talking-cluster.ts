import { NodeState } from '../../../lib/cluster/node-state.js';
import type { ClusterService } from '../../../lib/index.js';
import { DEFAULT_LIMITS } from '../../../lib/peerage.options.js';
import type { PeerageSettings } from '../../../lib/peerage.options.js';
import { Presence } from '../../../lib/presence/presence.service.js';
import type { Clock } from '../../../lib/time/clock.js';
import type { TalkingNode } from './message-world.js';

/** Of `ClusterService`, what clients and servers use. */
export function clusterOf({ mesh, messaging }: TalkingNode, clock: Clock): ClusterService {
  const state = new NodeState();
  state.run();
  const cluster = {
    clock,
    drainMs: 0,
    state,
    presences: new Presence(mesh, clock, { limits: DEFAULT_LIMITS } as PeerageSettings, messaging),
    get self() {
      return mesh.self;
    },
    get peers() {
      return mesh.peers;
    },
    peer: (name: string) => mesh.peers.find((peer) => [peer.name, peer.bootId].includes(name)),
    on: (type: string, listener: (event: unknown) => void) =>
      mesh.subscribe((event) => void (event.type === type && listener(event))),
    handle: messaging.handle.bind(messaging),
    messaging,
    send: messaging.send.bind(messaging),
    request: messaging.request.bind(messaging),
  };
  return cluster as unknown as ClusterService;
}
