import { addressOf, parseNodeName } from '../naming/node-name.js';
import type { DownEvidence, DownReason } from './events.js';
import type { AttemptResult } from './explanation.js';

/** A source whose word does not expire: it is taken back by its next answer. */
const STANDING = Number.POSITIVE_INFINITY;

/** Our own reasons to dial: they are no hints of others, and no flood of hints drives them out. */
export const OWN_SOURCES = { itself: 'itself', connect: 'connect' } as const;
const OWN: ReadonlySet<string> = new Set(Object.values(OWN_SOURCES));

/** How many names of one address are remembered; more are of no use. */
const NAMES_PER_ADDRESS = 8;

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { firstMs: 250, capMs: 5_000 };

/** An address that somebody named, and what we know of it. */
export interface AddressRecord {
  /** `host:port`, the key: backoff is per address, and two names of one address are one node. */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** The names it goes by, the first one heard first. */
  readonly names: Set<string>;
  /** Who named it, and until when that counts. */
  readonly sources: Map<string, number>;
  /** Who answers there: a boot id, or ourselves. */
  boundTo?: string;
  /** Somebody took a connection from us there, and nobody has refused one since. */
  isOpen: boolean;
  /** Boot id of the node that last welcomed us there. */
  welcomedBy?: string;
  /** Some node of this cluster has welcomed us there: that somebody is there is not hearsay. */
  isProven: boolean;
  /** The link of the dial under way. */
  dialling?: number;
  queued: boolean;
  /** The app said `disconnect`. */
  blocked: boolean;
  failures: number;
  /** No dial before this. */
  retryAtMs: number;
  /** When a hint last ended its backoff. */
  newsAtMs: number;
  /** The pause after the first failure, which doubles, and the longest one. */
  backoff: Backoff;
  /** How the last peer at this address ended. */
  down?: {
    readonly bootId: string;
    readonly reason: DownReason;
    readonly evidence: DownEvidence;
    readonly atMs: number;
  };
  last?: AttemptResult & { readonly atMs: number };
}

/**
 * Every address that could be dialled, who named it, and for how long that counts. What others can make it grow by is
 * bounded: by the peers, two addresses each, by `maxHinted` names that were heard of, and as many of former peers.
 */
export class AddressBook {
  private readonly records = new Map<string, AddressRecord>();
  /** By boot id: where it answers. */
  private readonly bound = new Map<string, AddressRecord[]>();
  /** Addresses with an expiring source, least recently named first. */
  private readonly hinted = new Map<string, AddressRecord>();
  /** Addresses of former peers that we had reached there, least recently lost first. */
  private readonly former = new Map<string, AddressRecord>();

  /**
   * @param isInUse whether a peer is at this address, as it says or as we dialled it
   * @param forgotten told of records that go
   */
  constructor(
    private readonly maxHinted: number,
    private readonly isInUse: (record: AddressRecord) => boolean,
    private readonly forgotten: (record: AddressRecord) => void,
  ) {}

  all(): IterableIterator<AddressRecord> {
    return this.records.values();
  }

  get size(): number {
    return this.records.size;
  }

  get(address: string): AddressRecord | undefined {
    return this.records.get(address);
  }

  ofName(name: string): AddressRecord | undefined {
    return this.records.get(addressOf(name));
  }

  /** The record of a name's address, made when it is new. A record without a source is dropped by `prune`. */
  open(name: string): AddressRecord {
    const address = addressOf(name);
    let record = this.records.get(address);
    if (!record) {
      const { host, port } = parseNodeName(name);
      record = {
        address,
        host,
        port,
        names: new Set(),
        sources: new Map(),
        isOpen: false,
        isProven: false,
        queued: false,
        blocked: false,
        failures: 0,
        retryAtMs: Number.NEGATIVE_INFINITY,
        newsAtMs: Number.NEGATIVE_INFINITY,
        backoff: DEFAULT_BACKOFF,
      };
      this.records.set(address, record);
    }
    if (record.names.size < NAMES_PER_ADDRESS) record.names.add(name);
    return record;
  }

  /** Who answers at this address is known. */
  bind(record: AddressRecord, bootId: string): void {
    if (record.boundTo === bootId) return;
    this.release(record);
    record.boundTo = bootId;
    const records = this.bound.get(bootId);
    if (records) records.push(record);
    else if (bootId !== 'self') this.bound.set(bootId, [record]);
  }

  /** Who answers at this address is not known any more. */
  release(record: AddressRecord): void {
    const bootId = record.boundTo ?? '';
    delete record.boundTo;
    const others = this.bound.get(bootId)?.filter((other) => other !== record) ?? [];
    if (others.length > 0) this.bound.set(bootId, others);
    else this.bound.delete(bootId);
  }

  /** This process answers nowhere any more. Returns the addresses where it did. */
  unbind(bootId: string): AddressRecord[] {
    const records = this.bound.get(bootId) ?? [];
    this.bound.delete(bootId);
    for (const record of records) delete record.boundTo;
    return records;
  }

  /** A whole poll answer: it replaces what `source` said before. Returns the records it lists. */
  answer(source: string, names: readonly string[]): AddressRecord[] {
    const listed = names.map((name) => this.open(name));
    const keep = new Set(listed);
    for (const record of this.records.values()) {
      if (record.sources.get(source) !== STANDING || keep.has(record)) continue;
      record.sources.delete(source);
      this.prune(record);
    }
    for (const record of listed) record.sources.set(source, STANDING);
    return listed;
  }

  /** We dial this address for reasons of our own, until `letGo`. */
  hold({ sources }: AddressRecord): void {
    sources.set(OWN_SOURCES.itself, STANDING);
  }

  letGo({ sources }: AddressRecord): void {
    sources.delete(OWN_SOURCES.itself);
  }

  /** Something heard of `name` just now. The least recently named hints give way when there are too many. */
  hint(source: string, name: string, untilMs: number): AddressRecord {
    const record = this.open(name);
    if (record.sources.get(source) !== STANDING) record.sources.set(source, untilMs);
    if (source === OWN_SOURCES.connect) return record;
    const names = source === OWN_SOURCES.itself ? this.former : this.hinted;
    names.delete(record.address);
    names.set(record.address, record);
    for (const oldest of names.values()) {
      if (names.size <= this.maxHinted) break;
      names.delete(oldest.address);
      this.dropHints(oldest, names === this.former);
    }
    return record;
  }

  /** Whether a provider lists this address, or we have a reason of our own to dial it: no hint of strangers. */
  isTrusted({ sources }: AddressRecord): boolean {
    return [...sources].some(([source, untilMs]) => untilMs === STANDING || OWN.has(source));
  }

  /** Takes back what `source` said of this address. */
  retract(record: AddressRecord, source: string): void {
    record.sources.delete(source);
    this.prune(record);
  }

  /** Forgets hints whose time is over. Returns when the next one ends. */
  expire(record: AddressRecord, nowMs: number): number | undefined {
    let nextMs: number | undefined;
    for (const [source, untilMs] of record.sources) {
      if (untilMs <= nowMs) record.sources.delete(source);
      else if (untilMs !== STANDING) nextMs = Math.min(nextMs ?? untilMs, untilMs);
    }
    if (nextMs === undefined) {
      this.hinted.delete(record.address);
      this.former.delete(record.address);
    }
    this.prune(record);
    return nextMs;
  }

  /** Drops the record when nobody names it and nothing hangs on it. */
  prune(record: AddressRecord): void {
    const isNeeded =
      record.sources.size > 0 || record.dialling !== undefined || record.blocked || this.isInUse(record);
    if (isNeeded || this.records.get(record.address) !== record) return;
    this.release(record);
    this.records.delete(record.address);
    this.hinted.delete(record.address);
    this.former.delete(record.address);
    this.forgotten(record);
  }

  private dropHints(record: AddressRecord, isFormer: boolean): void {
    for (const [source, untilMs] of record.sources) {
      const isOurs = source === OWN_SOURCES.itself;
      if (untilMs !== STANDING && (isFormer ? isOurs : !OWN.has(source))) record.sources.delete(source);
    }
    this.prune(record);
  }
}
