import { PeerageError } from '../errors/peerage-error.js';
import { didYouMean } from '../naming/did-you-mean.js';
import type { ClusterEventType } from './cluster.events.js';

/** Every type of event that there is. */
const EVENT_TYPES = Object.keys({
  'peer.up': true,
  'peer.down': true,
  'peer.degraded': true,
  'peer.recovered': true,
  'peer.leaving': true,
  'peer.updated': true,
  'peer.refused': true,
  'provider.failed': true,
  'provider.recovered': true,
  poll: true,
} satisfies Record<ClusterEventType, true>) as readonly ClusterEventType[];

/** @throws PeerageError `INVALID_OPTIONS`: who listens to what never happens would wait for ever. */
export function assertEventType(type: unknown, where: string): void {
  if ((EVENT_TYPES as readonly unknown[]).includes(type)) return;
  const near = typeof type === 'string' ? didYouMean(type, EVENT_TYPES) : undefined;
  const advice = near ? `did you mean ${JSON.stringify(near)}?` : `there are ${EVENT_TYPES.join(', ')}.`;
  throw new PeerageError(
    'INVALID_OPTIONS',
    `${where}: there is no event ${JSON.stringify(type) ?? 'undefined'}; ${advice}`,
  );
}

/** @throws PeerageError `INVALID_OPTIONS` */
export function assertFunction(listener: unknown, where: string): void {
  if (typeof listener === 'function') return;
  throw new PeerageError('INVALID_OPTIONS', `${where} takes a function, not ${typeof listener}.`);
}
