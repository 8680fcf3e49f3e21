import type { EventView } from '../cluster/view/node-view.js';
import { listed } from './labels.js';
import type { Happening } from './snapshot.types.js';

/** What several nodes tell within this time of one another is one thing that happened. */
const TOGETHER_MS = 15_000;
/** So many are kept. */
const KEPT = 300;
/** So many of them go to the page, */
const SHOWN = 100;
/** each with so many different words for it. */
const MOST_VOICES = 10;

interface Entry {
  readonly key: string;
  readonly event: EventView;
  readonly at: number;
  /** What each node said of it, by its boot id. */
  readonly voices: Map<string, Voice>;
}

interface Voice {
  readonly node: string;
  readonly why: string;
}

/** What happened, as all nodes tell it: what many of them saw is one entry. */
export class Happenings {
  private readonly entries: Entry[] = [];

  /** Events of one node. `nowMs`: the wall clock of this node, since clocks of others may be wrong. */
  add(
    teller: { readonly bootId: string; readonly name: string },
    events: readonly EventView[],
    nowMs: number,
  ): void {
    for (const event of events) {
      const entry = this.entryOf(event, nowMs - event.agoMs);
      entry.voices.set(teller.bootId, { node: teller.name, why: event.why ?? '' });
    }
    this.entries.sort((a, b) => b.at - a.at);
    this.entries.splice(KEPT);
  }

  /** Newest first. `startedAt`: when a node started, where that is known. */
  list(startedAt: (bootId: string) => number | undefined): Happening[] {
    const shown: Happening[] = [];
    for (const entry of this.entries) {
      const one = happening(entry, startedAt);
      if (one && shown.push(one) === SHOWN) break;
    }
    return shown;
  }

  /** How a peer ended, as most recently told. */
  lastDown(bootId: string): { readonly reason: string; readonly why: string } | undefined {
    const entry = this.entries.find(({ event }) => event.type === 'peer.down' && event.bootId === bootId);
    if (!entry) return undefined;
    const [voice] = entry.voices.values();
    return { reason: entry.event.reason ?? 'unknown', why: voice?.why ?? '' };
  }

  private entryOf(event: EventView, at: number): Entry {
    const key = [event.type, event.bootId ?? event.about].join(' ');
    const known = this.entries.find((entry) => entry.key === key && Math.abs(entry.at - at) < TOGETHER_MS);
    if (known) return known;
    const entry: Entry = { key, event, at, voices: new Map() };
    this.entries.push(entry);
    return entry;
  }
}

function happening(
  { event, at, voices }: Entry,
  startedAt: (bootId: string) => number | undefined,
): Happening | undefined {
  const told = [...voices]
    .filter(([bootId]) => !isNewcomer(event, bootId, startedAt))
    .map(([, voice]) => voice);
  if (told.length === 0) return undefined;
  const [kind, text] = titleOf(event);
  return { at, kind, text, seenBy: told.length, voices: togetherBy(told).slice(0, MOST_VOICES) };
}

/** Nodes that say it in the same words are one voice. */
function togetherBy(told: readonly Voice[]): Voice[] {
  const nodes = new Map<string, string[]>();
  for (const { node, why } of told) nodes.set(why, [...(nodes.get(why) ?? []), node]);
  return [...nodes].map(([why, names]) => ({ node: listed(names), why }));
}

/** Who starts sees all that were there before it come up: that is no news. */
function isNewcomer(
  event: EventView,
  teller: string,
  startedAt: (bootId: string) => number | undefined,
): boolean {
  if (event.type !== 'peer.up' || event.bootId === undefined) return false;
  const [about, told] = [startedAt(event.bootId), startedAt(teller)];
  return about !== undefined && told !== undefined && told > about;
}

function titleOf({ type, about, reason, times = 1 }: EventView): [Happening['kind'], string] {
  const often = times > 1 ? ` ${times} times` : '';
  switch (type) {
    case 'peer.up':
      return ['good', `${about} is up`];
    case 'peer.down':
      return [reason === 'left' ? 'note' : 'bad', `${about} is down (${reason ?? 'unknown'})`];
    case 'peer.degraded':
      return ['doubt', `${about} is blocked`];
    case 'peer.recovered':
      return ['good', `${about} runs again`];
    case 'peer.leaving':
      return ['note', `${about} shuts down`];
    case 'peer.updated':
      return ['note', `${about} tells other things of itself`];
    case 'peer.refused.inbound':
      return ['doubt', `${about} was refused${often}`];
    case 'peer.refused.outbound':
      return ['doubt', `${about} refuses${often}`];
    case 'provider.failed':
      return ['bad', `Provider ${about} fails`];
    case 'provider.recovered':
      return ['good', `Provider ${about} works again`];
    default:
      return ['note', `${type} ${about}`];
  }
}
