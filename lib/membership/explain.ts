import { addressOf } from '../naming/node-name.js';
import type { AddressRecord } from './address-book.js';
import type { Core, PeerRecord, Suspicion } from './core.js';
import type { LivenessExplanation, NameExplanation, SuspicionExplanation } from './explanation.js';
import { probeSummary } from './probe-notes.js';
import { judge } from './rule.js';
import { seconds } from '../time/seconds.js';

/** What is known of every address, by its first name. */
export function explainAll(core: Core): NameExplanation[] {
  return [...core.book.all()].map((record) => explainRecord(core, record, [...record.names][0]!));
}

/** What is known of one name. */
export function explainAddress(core: Core, name: string): NameExplanation {
  const record = core.book.get(addressOf(name));
  if (record) return explainRecord(core, record, name);
  const summary =
    name === core.self.name
      ? 'This is the node itself.'
      : 'No provider lists it and no peer told of it. Check what the providers return, or call connect().';
  return { name, state: name === core.self.name ? 'self' : 'unknown', summary, foundBy: [], failures: 0 };
}

function explainRecord(core: Core, record: AddressRecord, name: string): NameExplanation {
  const peer =
    core.peers.get(record.boundTo ?? '') ?? core.peers.get(core.byAddress.get(record.address) ?? '');
  const state = stateOf(record, peer !== undefined);
  const { last } = record;
  const waitMs = record.retryAtMs - core.nowMs;
  return {
    name,
    state,
    summary: peer ? summarisePeer(core, peer) : summarise(core, record, state),
    foundBy: [...record.sources.keys()],
    ...(peer && { peer: core.snapshot(peer), liveness: explainLiveness(core, peer) }),
    ...(record.down && { lastDown: withAge(record.down, core.nowMs) }),
    ...(last && { lastAttempt: withAge(last, core.nowMs) }),
    failures: record.failures,
    ...(state === 'waiting' && { nextAttemptInMs: Math.max(0, Math.round(waitMs)) }),
  };
}

function stateOf(record: AddressRecord, isPeer: boolean): NameExplanation['state'] {
  if (isPeer) return 'peer';
  if (record.boundTo === 'self') return 'self';
  if (record.blocked) return 'disconnected';
  return record.dialling === undefined && !record.queued ? 'waiting' : 'dialling';
}

/** What a peer's life rests on. */
function explainLiveness(core: Core, peer: PeerRecord): LivenessExplanation {
  return {
    monitored: peer.watched !== undefined,
    silentMs: Math.round(core.nowMs - peer.heard.ms),
    probes: peer.probes,
    probedBy: peer.probedBy,
    ...(peer.unsent !== undefined && { unsent: peer.unsent }),
    ...(peer.suspicion && { suspicion: explainSuspicion(core, peer, peer.suspicion) }),
    falseAlarms: core.falseAlarmsOf.get(peer.node.bootId) ?? 0,
  };
}

function explainSuspicion(core: Core, peer: PeerRecord, suspicion: Suspicion): SuspicionExplanation {
  const { countedMs, leftMs, ...rule } = judge(core, peer);
  const { why, since, sent, answered, asked } = suspicion;
  return {
    why,
    forMs: Math.round(core.nowMs - since.ms),
    countedMs: Math.round(countedMs),
    ...rule,
    leftMs: Math.max(0, Math.round(leftMs)),
    probes: { sent, answered },
    asked: [...asked.values()],
  };
}

const WHY: Readonly<Record<Suspicion['why'], string>> = {
  silent: 'it has been silent',
  told: 'another node does not hear it',
  unheard: 'it does not hear us, as it says',
  lost: 'its connection broke and is being dialled again',
};

function summarisePeer(core: Core, peer: PeerRecord): string {
  const blocked = probeSummary(core, peer);
  const proofs = blocked === undefined ? '' : ` ${blocked} Until then only TCP and other nodes tell of it.`;
  const { suspicion } = peer;
  const leaving = peer.isLeaving ? ' It shuts down.' : '';
  const degraded =
    peer.status === 'degraded'
      ? ` Its event loop is blocked, for ${seconds(peer.lagMs ?? 0)} when it was last probed: its process lives, and does nothing.`
      : '';
  if (!suspicion) return `Connected and heard.${leaving}${degraded}${proofs}`;
  const { why, forMs, countedMs, deadlineMs, because, leftMs, probes, asked } = explainSuspicion(
    core,
    peer,
    suspicion,
  );
  const longer = because === undefined ? '' : ` (twice the usual: ${because})`;
  const voices = asked.filter(({ answer }) => answer === 'hears it');
  return (
    `Suspected for ${seconds(forMs)}: ${WHY[why]}.${degraded} ${seconds(countedMs)} of silence count, the deadline is ` +
    `${seconds(deadlineMs)}${longer}, and ${seconds(leftMs)} are left. ${probes.answered} of ${probes.sent} probes ` +
    `were answered, and ${voices.length} of ${asked.length} nodes that we asked hear it.${leaving}${proofs}`
  );
}

function summarise(core: Core, record: AddressRecord, state: NameExplanation['state']): string {
  switch (state) {
    case 'self':
      return 'This name leads to the node itself.';
    case 'disconnected':
      return 'The app disconnected it. connect() ends that, and so does a restart there.';
    case 'dialling':
      return record.failures === 0
        ? `It is being dialled, or is next in the queue.${summariseDown(core, record)}`
        : `${summariseAttempts(record)} It is being dialled again, or is next in the queue.${summariseDown(core, record)}`;
    default:
      return `${summariseAttempts(record)}${summariseDown(core, record)}`;
  }
}

function summariseAttempts({ last, failures }: AddressRecord): string {
  if (last?.result !== 'failed' || failures === 0) return 'It will be dialled.';
  const times = failures === 1 ? 'once' : `${failures} times in a row`;
  return `Dialled ${times} without success: ${last.message} (${last.code})`;
}

function summariseDown(core: Core, { down }: AddressRecord): string {
  if (!down) return '';
  const agoS = Math.round((core.nowMs - down.atMs) / 1_000);
  const voices = down.evidence.asked.filter(({ answer }) => answer === 'hears it').map(({ name }) => name);
  const others =
    voices.length > 0 ? ` ${voices.join(', ')} heard it when we did not: the path between us was cut.` : '';
  return ` It was a peer until ${agoS} s ago (${down.reason}).${others}`;
}

type Aged<T> = T extends unknown ? Omit<T, 'atMs'> & { readonly agoMs: number } : never;

function withAge<T extends { readonly atMs: number }>(entry: T, nowMs: number): Aged<T> {
  const { atMs, ...rest } = entry;
  return { ...rest, agoMs: Math.round(nowMs - atMs) } as Aged<T>;
}
