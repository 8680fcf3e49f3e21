import type { PeerageErrorCode } from '../errors/peerage-error.js';
import { addressOf } from '../naming/node-name.js';
import type { AddressRecord } from './address-book.js';
import type { Core, DialQueue, DiallingLink, GreetingLink, LinkRecord } from './core.js';
import { hasRoom, nextTurnMs } from './dial-room.js';
import type { LinkId } from './membership.types.js';

/** A hint ends the backoff of an address at most once in this time: hints may be wrong, or forged. */
const NEWS_EVERY_MS = 1_000;

/** A hint is as good as new for this share of its life. */
const FRESH_HINT = 0.1;

/** Who said goodbye, or was told to stay away, is asked again no sooner than this. */
const AWAY_MS = 30_000;

/** Failures that the other side meant: they become `peer.refused` events. */
const REFUSALS: ReadonlySet<PeerageErrorCode> = new Set([
  'WRONG_SECRET',
  'WRONG_CLUSTER',
  'VERSION_MISMATCH',
  'NOT_AUTHENTICATED',
  'SECURITY_MISMATCH',
  'NOT_PEERAGE',
  'TOO_MANY_PEERS',
  'NAME_TAKEN',
  'MALFORMED_FRAME',
  'FRAME_TOO_LARGE',
]);

/** A provider's whole answer. */
export function foundAnswer(core: Core, provider: string, names: readonly string[]): void {
  const unbound = core.book.answer(provider, names).filter(({ boundTo }) => boundTo === undefined);
  for (const record of ringFrom(core.self.name, unbound)) consider(core, record);
}

/**
 * Addresses in the order of a ring, from the one after our own. Nodes that start together with one list dial
 * different ones first, and by the time a dial would come back at them most pairs are connected.
 */
function ringFrom(self: string, records: readonly AddressRecord[]): AddressRecord[] {
  const own = addressOf(self);
  const sorted = records.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const first = sorted.findIndex(({ address }) => address > own);
  return first < 0 ? sorted : [...sorted.slice(first), ...sorted.slice(0, first)];
}

/** Names just heard of. What was heard of moments ago is known: in a large cluster everybody tells of everybody. */
export function foundHints(core: Core, source: string, names: readonly string[]): void {
  const { hintMs } = core.config.limits;
  const untilMs = core.nowMs + hintMs;
  for (const name of names) {
    const known = core.book.ofName(name);
    const isFresh = (known?.sources.get(source) ?? 0) > untilMs - hintMs * FRESH_HINT;
    if (isFresh && known?.names.has(name) && known.boundTo !== undefined) continue;
    if (known) endBackoff(core, known);
    hint(core, source, name, untilMs);
  }
}

/** Who is just heard of is there, whatever we know of earlier tries: a process may be started again in place. */
function endBackoff(core: Core, record: AddressRecord): void {
  if (record.boundTo !== undefined || core.nowMs < record.newsAtMs + NEWS_EVERY_MS) return;
  record.newsAtMs = core.nowMs;
  record.retryAtMs = Math.min(record.retryAtMs, core.nowMs);
}

/** Keeps `name` worth dialling until `untilMs`. */
export function hint(core: Core, source: string, name: string, untilMs: number): AddressRecord {
  const record = core.book.hint(source, name, untilMs);
  core.timers.set('hint', record.address, untilMs);
  consider(core, record);
  return record;
}

/** Some hints of this address have ended. */
export function expireHints(core: Core, address: string): void {
  const record = core.book.get(address);
  const nextMs = record && core.book.expire(record, core.nowMs);
  if (nextMs !== undefined) core.timers.set('hint', address, nextMs);
}

/** Queues an address when it is worth a dial now, or sets the time when it will be. */
export function consider(core: Core, record: AddressRecord): void {
  if (record.dialling !== undefined || record.queued || record.blocked || core.isStopping) return;
  if (record.boundTo !== undefined) return;
  if (record.names.has(core.self.name)) {
    core.book.bind(record, 'self');
    return;
  }
  const incumbent = core.peers.get(core.byAddress.get(record.address) ?? '');
  if (incumbent?.link !== undefined) {
    core.book.bind(record, incumbent.node.bootId);
    return;
  }
  if (record.sources.size === 0) return;
  if (record.retryAtMs > core.nowMs) {
    core.timers.set('dial', record.address, record.retryAtMs);
    return;
  }
  record.queued = true;
  core.ready[queueOf(core, record)].push(record);
}

function queueOf({ book }: Core, record: AddressRecord): DialQueue {
  if (!book.isTrusted(record)) return 'hinted';
  return record.failures > 0 ? 'failing' : 'listed';
}

/** Dials at once: past backoff and limits. */
export function dialNow(core: Core, record: AddressRecord): void {
  if (record.dialling !== undefined || core.isStopping) return;
  record.queued = true;
  core.ready.urgent.push(record);
}

/**
 * Dials at once, also where a dial is under way that nobody has taken yet: where packets are lost a kernel sends the
 * next one after 1, 3 and 7 s, and a new dial at once.
 */
export function dialAnew(core: Core, record: AddressRecord): void {
  const begun = record.dialling === undefined ? undefined : core.links.get(record.dialling);
  if (begun && core.dials.get(begun.id)?.isOpen === false) {
    core.close(begun, false);
    core.attemptEnded(begun, {
      result: 'failed',
      code: 'DIAL_TIMEOUT',
      message: 'nobody took the connection',
    });
  }
  dialNow(core, record);
}

/** Turns what is queued into dials, as far as there is room: who is new before whom we could not reach. */
export function pump(core: Core): void {
  const { ready } = core;
  if (ready.urgent.length > 0) for (const record of ready.urgent.splice(0)) dial(core, record, 'urgent');
  for (const queue of ['listed', 'failing'] as const)
    while (ready[queue].length > 0 && hasRoom(core, queue)) dialIfFree(core, ready[queue].shift()!, queue);
  while (ready.hinted.length > 0 && hasRoom(core, 'hinted')) dialIfFree(core, ready.hinted.pop()!, 'hinted');
  const waits = hasQueue(core) || ready.failing.length > 0;
  if (waits && !core.timers.has('pump', '')) core.timers.set('pump', '', nextTurnMs(core));
  // What eviction left behind in the queue.
  if (ready.hinted.length > 2 * core.config.limits.hintedNames) {
    ready.hinted = ready.hinted.filter((record) => core.book.get(record.address) === record);
  }
}

/** Somebody took the connection of a dial; the handshake follows. */
export function opened(core: Core, linkId: LinkId): void {
  const begun = core.dials.get(linkId);
  if (begun) begun.isOpen = true;
}

/** The link of a dial is open: we introduce ourselves. */
export function dialled(core: Core, linkId: LinkId, address: string): void {
  const dialling = core.links.get(linkId);
  // It was given up while it was being dialled.
  if (!dialling) return void core.out.push({ type: 'close', link: linkId, drain: false });
  const record = core.book.get(dialling.address);
  if (record) record.isOpen = true;
  const link: GreetingLink = {
    id: linkId,
    direction: 'outbound',
    stage: 'greeting',
    address: dialling.address,
    remoteAddress: address,
    connection: core.randomId(),
    toldSelf: core.selfVersion,
    toldBlank: core.isBlank,
    toldAnswers: core.answersProbes,
  };
  core.advance(link);
  core.timers.set('handshake', link.id, core.nowMs + core.config.limits.handshakeMs);
  core.send(link.id, {
    kind: 'hello',
    body: { ...core.introduction(), connection: link.connection },
  });
}

/** The other side of a dial has said who it is, or refuses us: the handshake works. */
export function answered(core: Core, { id }: LinkRecord): void {
  const begun = core.dials.get(id);
  if (!begun || begun.isAnswered) return;
  begun.isAnswered = true;
  core.pace.answered(core.nowMs - begun.startedAtMs);
}

/** Whether addresses wait to be dialled that were not tried in vain before. */
export function hasQueue({ ready }: Core): boolean {
  return ready.listed.length > 0 || ready.hinted.length > 0;
}

/** A dial came to nothing; `link` is forgotten already. */
export function dialFailed(core: Core, link: LinkRecord, code: PeerageErrorCode, message: string): void {
  const record = core.book.get(link.address);
  if (!record) return;
  const isNews = record.last?.result !== 'failed' || record.last.code !== code;
  if (code === 'CONNECTION_REFUSED') {
    record.isOpen = false;
    delete record.welcomedBy;
  }
  core.attemptEnded(link, { result: 'failed', code, message });
  if (REFUSALS.has(code) && isNews) core.emitRefused(link, code, message);
  record.failures += 1;
  const isAway = code === 'DISCONNECTED';
  retryIn(core, record, isAway ? AWAY_MS : core.backoffMs(record));
}

/** No dial of this address for `ms`. */
export function retryIn(core: Core, record: AddressRecord, ms: number): void {
  record.retryAtMs = Math.max(record.retryAtMs, core.nowMs + ms);
  consider(core, record);
  core.book.prune(record);
}

function dialIfFree(core: Core, record: AddressRecord, queue: DialQueue): void {
  record.queued = false;
  if (record.boundTo === undefined && !record.blocked) dial(core, record, queue);
}

function dial(core: Core, record: AddressRecord, queue: DialQueue): void {
  record.queued = false;
  const isForgotten = core.book.get(record.address) !== record;
  if (isForgotten || record.dialling !== undefined) return;
  const link: DiallingLink = {
    id: core.newLink(),
    direction: 'outbound',
    stage: 'dialling',
    address: record.address,
  };
  core.begin(link);
  core.dials.set(link.id, { queue, startedAtMs: core.nowMs, isOpen: false, isAnswered: false, turns: 0 });
  record.dialling = link.id;
  core.out.push({ type: 'dial', link: link.id, host: record.host, port: record.port });
}
