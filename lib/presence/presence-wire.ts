import { PeerageError } from '../errors/peerage-error.js';
import { keyFault } from '../naming/sendable-text.js';
import { readPlain } from '../settings/meta.js';
import type { NumberedEntry, Update } from './core/presence-core.types.js';

/** A request to a peer; the answer is the number of the change that it is up to. Not for apps. */
export const PRESENCE_TOPIC = '$$presence';

/** Spaces and keys are no longer. */
export const MAX_KEY = 255;

/** The body of an update. */
type WireUpdate = readonly [
  base: number,
  upTo: number,
  more: boolean,
  have: number,
  put: readonly (readonly [id: number, sequence: number, space: string, key: string, meta: unknown])[],
  gone: readonly number[],
];

export function updateToWire({ base, upTo, more, have, put, gone }: Update): WireUpdate {
  const entries = put.map(({ id, sequence, space, key, meta }) => [id, sequence, space, key, meta] as const);
  return [base, upTo, more, have, entries, gone];
}

/**
 * Checks an update that came from a peer.
 *
 * @throws PeerageError `MALFORMED_FRAME`
 */
export function readUpdate(body: unknown): Update {
  const [base, upTo, more, have, put, gone] = list(body);
  const update: Update = {
    base: count(base),
    upTo: count(upTo),
    more: more === true,
    have: count(have),
    put: list(put).map(readEntry),
    gone: list(gone).map(count),
  };
  if (update.upTo < update.base) throw malformed('it ends before it begins');
  return update;
}

/** What an entry takes, as a list in JSON. */
export function bytesOf(
  { space, key }: { readonly space: string; readonly key: string },
  meta: number,
): number {
  return Buffer.byteLength(JSON.stringify([space, key])) + 1 + meta;
}

function readEntry(body: unknown): NumberedEntry {
  const [id, sequence, space, key, meta] = list(body);
  const fault = keyFault(space, MAX_KEY) ?? keyFault(key, MAX_KEY);
  if (fault !== undefined) throw malformed(`a key ${fault}`);
  const read = readPlain(meta, 'meta');
  if ('fault' in read) throw malformed(read.fault.message);
  const texts = { space: space as string, key: key as string };
  const { copy, bytes } = read;
  return { id: count(id), sequence: count(sequence), ...texts, meta: copy, bytes: bytesOf(texts, bytes) };
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw malformed('a list is missing');
  return value;
}

/** Also what a peer answers. */
export function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed('a number is missing');
  return value as number;
}

function malformed(what: string): PeerageError {
  return new PeerageError('MALFORMED_FRAME', `News of presence are malformed: ${what}.`);
}
