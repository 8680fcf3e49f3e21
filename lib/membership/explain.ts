import { addressOf } from '../naming/node-name.js';
import type { AddressRecord } from './address-book.js';
import type { Core } from './core.js';
import type { NameExplanation } from './explanation.js';

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
    summary: summarise(core, record, state),
    foundBy: [...record.sources.keys()],
    ...(peer && { peer: core.snapshot(peer) }),
    ...(last && { lastAttempt: withAge(last, core.nowMs) }),
    failures: record.failures,
    ...(state === 'waiting' && { nextAttemptInMs: Math.max(0, waitMs) }),
  };
}

function stateOf(record: AddressRecord, isPeer: boolean): NameExplanation['state'] {
  if (isPeer) return 'peer';
  if (record.boundTo === 'self') return 'self';
  if (record.blocked) return 'disconnected';
  return record.dialling === undefined && !record.queued ? 'waiting' : 'dialling';
}

function summarise(core: Core, record: AddressRecord, state: NameExplanation['state']): string {
  const { last, failures } = record;
  switch (state) {
    case 'peer':
      return core.peers.get(record.boundTo ?? '')?.link === undefined
        ? 'Its connection broke a moment ago; it is being dialled again.'
        : 'Connected and heard.';
    case 'self':
      return 'This name leads to the node itself.';
    case 'disconnected':
      return 'The app disconnected it. connect() ends that, and so does a restart there.';
    case 'dialling':
      return 'It is being dialled, or is next in the queue.';
    default:
      return last?.result === 'failed'
        ? `Dialled ${failures} times in a row without success. The last time: ${last.message} (${last.code}).`
        : 'It will be dialled.';
  }
}

function withAge(
  last: NonNullable<AddressRecord['last']>,
  nowMs: number,
): NonNullable<NameExplanation['lastAttempt']> {
  const { atMs, ...result } = last;
  return { ...result, agoMs: nowMs - atMs };
}
