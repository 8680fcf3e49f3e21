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

/** Every address that could be dialled, who named it, and for how long that counts. */
export class AddressBook {
  private readonly records = new Map<string, AddressRecord>();
  /** By boot id: where it answers. */
  private readonly bound = new Map<string, AddressRecord[]>();
  /** Addresses with an expiring source, least recently named first. */
  private readonly hinted = new Map<string, AddressRecord>();

  /** `forgotten` is told of records that go while they wait to be dialled. */
  constructor(
    private readonly maxHinted: number,
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
    const others = this.bound.get(record.boundTo ?? '')?.filter((other) => other !== record);
    if (others) this.bound.set(record.boundTo!, others);
    record.boundTo = bootId;
    const records = this.bound.get(bootId);
    if (records) records.push(record);
    else if (bootId !== 'self') this.bound.set(bootId, [record]);
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

  /** Something heard of `name` just now. The least recently named hints give way when there are too many. */
  hint(source: string, name: string, untilMs: number): AddressRecord {
    const record = this.open(name);
    if (record.sources.get(source) !== STANDING) record.sources.set(source, untilMs);
    if (OWN.has(source)) return record;
    this.hinted.delete(record.address);
    this.hinted.set(record.address, record);
    for (const oldest of this.hinted.values()) {
      if (this.hinted.size <= this.maxHinted) break;
      this.dropHints(oldest);
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
    if (nextMs === undefined) this.hinted.delete(record.address);
    this.prune(record);
    return nextMs;
  }

  /** Drops the record when nobody names it and nothing hangs on it. */
  prune(record: AddressRecord): void {
    const isNeeded =
      record.sources.size > 0 ||
      record.dialling !== undefined ||
      record.blocked ||
      (record.boundTo !== undefined && record.boundTo !== 'self');
    if (isNeeded) return;
    this.records.delete(record.address);
    this.hinted.delete(record.address);
    if (record.queued) this.forgotten(record);
  }

  private dropHints(record: AddressRecord): void {
    this.hinted.delete(record.address);
    for (const [source, untilMs] of record.sources) {
      if (untilMs !== STANDING && !OWN.has(source)) record.sources.delete(source);
    }
    this.prune(record);
  }
}
