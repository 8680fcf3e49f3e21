import type { ClusterEvent } from '../cluster.events.js';
import { whyOf } from '../event-words.js';
import { printable } from '../../naming/printable.js';
import type { EventView } from './node-view.js';
import { withoutPasswords } from './without-passwords.js';

/** So many are kept. */
const KEPT = 200;

type Kept = Exclude<ClusterEvent, { type: 'poll' }>;

interface Entry {
  readonly number: number;
  readonly event: Kept;
  readonly times: number;
}

/** What happened lately. Refusals of one kind by one host are one entry: strangers cannot push out the rest. */
export class RecentEvents {
  private readonly entries = new Map<string, Entry>();
  private last = 0;

  add(event: ClusterEvent): void {
    if (event.type === 'poll') return;
    const number = ++this.last;
    const key = keyOf(event, number);
    const times = (this.entries.get(key)?.times ?? 0) + 1;
    this.entries.delete(key);
    this.entries.set(key, { number, event, times });
    if (this.entries.size > KEPT) this.entries.delete(this.entries.keys().next().value!);
  }

  /** Those after the one of this number, oldest first. */
  since(after: number, nowMs: number): EventView[] {
    return [...this.entries.values()].filter(({ number }) => number > after).map((one) => view(one, nowMs));
  }
}

function keyOf(event: Kept, number: number): string {
  if (event.type !== 'peer.refused') return String(number);
  const host = event.address.replace(/:\d+$/, '');
  return `${event.direction} ${event.code} ${event.direction === 'inbound' ? host : event.address}`;
}

function view({ number, event, times }: Entry, nowMs: number): EventView {
  const why = whyOf(event);
  return {
    number,
    agoMs: Math.max(0, nowMs - event.at.getTime()),
    type: event.type === 'peer.refused' ? `peer.refused.${event.direction}` : event.type,
    about: aboutOf(event),
    ...('peer' in event && { bootId: event.peer.bootId }),
    ...(event.type === 'peer.down' && { reason: event.reason }),
    ...(why !== undefined && { why: printable(withoutPasswords(why)) }),
    ...(times > 1 && { times }),
  };
}

function aboutOf(event: Kept): string {
  if ('peer' in event) return event.peer.name;
  if ('provider' in event) return event.provider;
  return event.name === undefined ? event.address : `${event.name} at ${event.address}`;
}
