import { OWN_SOURCES } from '../membership/address-book.js';
import type { MeshExplanation, NameExplanation } from '../membership/explanation.js';
import type { ProviderExplanation } from '../discovery/provider-status.js';
import type { LoopStats } from './explanation.js';
import { isLoopback } from '../naming/hosts.js';
import { duration } from '../time/seconds.js';
import { whyNothing } from '../via/nothing-found.js';

const SHOWN = 3;

/** A refusal at our door, or a block of our own, that long ago may be why we are alone. */
const LATELY_MS = 60_000;

/** Why a node has no peer. */
export interface Isolation {
  readonly cause: string;
  /** Changes when the cause does, and not with counts and times. */
  readonly key: string;
  /** It is most likely the only one there is. */
  readonly isOrdinary: boolean;
}

type View = Pick<MeshExplanation, 'names' | 'refused' | 'security' | 'listening'> & {
  readonly loop: LoopStats;
  readonly providers: readonly ProviderExplanation[];
};

/** Why there is no peer; undefined when there should be none: nowhere to look, or the app disconnected them all. */
export function isolationOf(view: View): Isolation | undefined {
  const others = view.names.filter(({ state }) => state !== 'self' && state !== 'disconnected');
  const sources = view.providers.filter(({ name }) => name !== 'self');
  const found = others.length > 0 ? noneReachable(others, view.loop) : noneFound(sources);
  if (!found || (others.length === 0 && view.names.some(({ state }) => state === 'disconnected')))
    return undefined;
  const more = [failing(others.length > 0 ? sources : []), unprotected(view, sources), callers(view)];
  const said = more.filter((each) => each !== undefined);
  return {
    cause: [found.cause, ...said.map(({ cause }) => cause)].join(' '),
    key: [found.key, ...said.map(({ key }) => key)].join(' '),
    isOrdinary: found.isOrdinary && said.length === 0,
  };
}

function noneReachable(others: readonly NameExplanation[], loop: LoopStats): Isolation {
  const sources = [...new Set(others.flatMap(({ foundBy }) => foundBy))].filter(isSource);
  const by = sources.length > 0 ? ` (by ${sources.join(', ')})` : '';
  const count = others.length === 1 ? '1 other node is' : `${others.length} other nodes are`;
  return {
    cause: `${count} known${by}, and none can be reached. ${reasonsOf(others)}${busy(loop)}`,
    key: [...groupByCode(others).keys()].join(),
    isOrdinary: false,
  };
}

/** That this node was once told the name by its owner is no source to look at. */
function isSource(name: string): boolean {
  return name !== OWN_SOURCES.itself;
}

/** Why these names could not be connected to: one reason for all that are alike. */
export function reasonsOf(names: readonly NameExplanation[]): string {
  return [...groupByCode(names)].map(([code, alike]) => reasonOf(code, alike)).join(' ');
}

function groupByCode(names: readonly NameExplanation[]): Map<string, NameExplanation[]> {
  const groups = new Map<string, NameExplanation[]>();
  for (const name of names) {
    const failure = failureOf(name);
    const code = failure?.code ?? name.lastDown?.reason ?? 'being dialled';
    groups.set(code, [...(groups.get(code) ?? []), name]);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function reasonOf(code: string, names: readonly NameExplanation[]): string {
  const first = names[0]!;
  const failure = failureOf(first);
  const alike = names.length > 1 ? `, as ${listed(names.slice(1))}` : '';
  if (failure) return `${whose(first, failure.message)} (${code}${alike})`;
  const { lastDown } = first;
  return lastDown
    ? `${first.name}: it was a peer until ${duration(lastDown.agoMs)} ago (${code}${alike}); no attempt has ended since.`
    : `${listed(names)}: the first attempt is under way, or waits for its turn.`;
}

/** How the last attempt failed, unless the name has been a peer since. */
function failureOf({ lastAttempt: last, lastDown: down }: NameExplanation) {
  return last?.result === 'failed' && last.agoMs <= (down?.agoMs ?? Infinity) ? last : undefined;
}

/** Whoever stands still does not connect, whatever the attempts say. */
function busy({ last }: LoopStats): string {
  if (!last || last.agoMs >= LATELY_MS) return '';
  return ` The event loop of this node was blocked for ${duration(last.forMs)}, ${duration(last.agoMs)} ago: it may be too busy to connect.`;
}

/** Not every message says whom it is about. */
function whose({ name }: NameExplanation, message: string): string {
  const host = name.slice(name.indexOf('@') + 1);
  return message.includes(host) ? message : `${name}: ${message}`;
}

function listed(names: readonly NameExplanation[]): string {
  const shown = names.slice(0, SHOWN).map(({ name }) => name);
  return names.length > SHOWN ? `${shown.join(', ')} and ${names.length - SHOWN} more` : shown.join(', ');
}

function noneFound(sources: readonly ProviderExplanation[]): Isolation | undefined {
  if (sources.length === 0) return undefined;
  return {
    cause: `No other node was found. ${sources.map(emptinessOf).join(' ')}`,
    key: sources.map(({ name, state, names }) => `${name} ${state} ${names.length}`).join(),
    isOrdinary: sources.every(
      ({ name, state, names }) => state === 'working' && (names.length > 0 || name === 'local'),
    ),
  };
}

function emptinessOf({ name, state, names, error, failingForMs }: ProviderExplanation): string {
  switch (state) {
    case 'failing':
      return `${name} has failed for ${duration(failingForMs ?? 0)}: ${error}`;
    case 'asking':
      return `${name} has not answered yet.`;
    case 'working':
      if (names.length > 0) return `${name} lists this node and no other.`;
      return `${name} gives no name: ${whyNothing(name)}`;
  }
}

interface Remark {
  readonly cause: string;
  readonly key: string;
}

function failing(sources: readonly ProviderExplanation[]): Remark | undefined {
  const failed = sources.filter(({ state }) => state === 'failing');
  if (failed.length === 0) return undefined;
  return { cause: failed.map(emptinessOf).join(' '), key: failed.map(({ name }) => name).join() };
}

/** Without a secret nobody from elsewhere gets in, whatever is found. */
function unprotected(
  { security, listening }: View,
  sources: readonly ProviderExplanation[],
): Remark | undefined {
  if (security !== 'none' || !listening || !isLoopback(listening.host)) return undefined;
  if (sources.every(({ name }) => name === 'local')) return undefined;
  const cause = `Without a secret this node listens on ${listening.host} only: no other machine can reach it.`;
  return { cause, key: 'unprotected' };
}

function callers({ refused }: View): Remark | undefined {
  const last = refused.find(({ agoMs }) => agoMs < LATELY_MS);
  if (!last) return undefined;
  const who = last.name ?? last.address;
  return { cause: `Who calls is refused, ${who} for one: ${last.message} (${last.code})`, key: last.code };
}
