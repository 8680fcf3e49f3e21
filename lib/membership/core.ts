import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';
import { AddressBook, type AddressRecord } from './address-book.js';
import type { PeerStatus } from './events.js';
import type { AttemptResult } from './explanation.js';
import type { ControlFrame } from './messages.js';
import type { Directive, LinkId, MembershipConfig } from './membership.types.js';
import { Timers } from './timers.js';

/**
 * A link's way. Outbound: dialling -> greeting -> up. Inbound: (hello) -> welcomed -> up. Either may wait as
 * `contested` while another live node is asked whether it still bears the same address.
 */
export type LinkStage = 'dialling' | 'greeting' | 'welcomed' | 'contested' | 'up';

export interface LinkRecord {
  readonly id: LinkId;
  readonly direction: 'inbound' | 'outbound';
  stage: LinkStage;
  /** `host:port` that was dialled, or from where the dialer came. */
  address: string;
  /** The dialer's random id of this connection. */
  connection: string;
  /** Who is at the other end, once it said so. */
  remote?: NodeInfo;
  /** The connection that we named as current in our welcome. */
  listed?: string;
}

export interface PeerRecord {
  node: NodeInfo;
  /** Its connection; none while it is being redialled. */
  link?: LinkId;
  /** The address by which we dial it. */
  dialAddress: string;
  status: PeerStatus;
  readonly upAtMs: number;
  heardAtMs: number;
  rttMs?: number;
  /** The last beat of the other side, to be echoed. */
  lastBeat?: { readonly sentAt: number; readonly atMs: number };
  /** How its connection ended, while it is being redialled. */
  closedBy?: string;
}

/** Someone new at the address of a peer that we still hold for alive. */
export interface Contest {
  readonly link: LinkId;
  readonly holder: string;
  /** A beat of the holder that echoes this proves that it lives. */
  readonly askedAt: number;
}

/** What the parts of the core share: its state, the time of the input, and the directives it leads to. */
export class Core {
  nowMs = 0;
  out: Directive[] = [];
  self: NodeInfo;
  isStopping = false;
  readonly timers = new Timers();
  readonly book: AddressBook;
  readonly links = new Map<LinkId, LinkRecord>();
  /** By boot id. */
  readonly peers = new Map<string, PeerRecord>();
  /** Boot id of the peer that names this address as its own. */
  readonly byAddress = new Map<string, string>();
  /** Dials under way, up to the end of their handshakes. */
  readonly dials = new Set<LinkId>();
  readonly contests = new Map<LinkId, Contest>();
  /** Boot ids that the app disconnected, and at which address they were. */
  readonly disconnected = new Map<string, string>();
  /** Addresses to dial: `urgent` past every limit, then what providers list, then hints, newest first. */
  readonly ready = {
    urgent: [] as AddressRecord[],
    listed: [] as AddressRecord[],
    hinted: [] as AddressRecord[],
  };
  /** When our own event loop was last found late, and by how much. */
  lag = { atMs: Number.NEGATIVE_INFINITY, lateMs: 0 };
  private lastLink: LinkId = 0;

  constructor(readonly config: MembershipConfig) {
    this.self = config.self;
    this.book = new AddressBook(config.limits.hintedNames);
  }

  newLink(): LinkId {
    return ++this.lastLink;
  }

  randomId(): string {
    return Array.from({ length: 2 }, () =>
      Math.floor(this.config.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
  }

  /** Within 20 % of `ms`. */
  jitter(ms: number): number {
    return ms * (0.8 + 0.4 * this.config.random());
  }

  backoffMs({ backoff, failures }: AddressRecord): number {
    return this.jitter(Math.min(backoff.firstMs * 2 ** (failures - 1), backoff.capMs));
  }

  send(link: LinkId, frame: ControlFrame): void {
    this.out.push({ type: 'send', link, frame });
  }

  /** Gives a link up: the core forgets it, the shell closes it. */
  close(link: LinkRecord, drain: boolean): void {
    this.forgetLink(link);
    this.out.push({ type: 'close', link: link.id, drain });
  }

  forgetLink(link: LinkRecord): void {
    this.links.delete(link.id);
    this.endHandshake(link);
  }

  /** Nothing of the handshake is waited for any more. */
  endHandshake(link: LinkRecord): void {
    this.dials.delete(link.id);
    this.contests.delete(link.id);
    this.timers.delete(`handshake ${link.id}`);
    this.timers.delete(`contest ${link.id}`);
  }

  /** The dial behind this link is over. */
  attemptEnded(link: LinkRecord, result: AttemptResult): void {
    const record = this.book.get(link.address);
    if (!record || record.dialling !== link.id) return;
    delete record.dialling;
    record.last = { ...result, atMs: this.nowMs };
    this.out.push({ type: 'attempt', address: record.address, result });
  }

  emitRefused(
    link: Pick<LinkRecord, 'direction' | 'address' | 'remote'>,
    code: PeerageErrorCode,
    message: string,
  ): void {
    const { direction, address, remote } = link;
    this.out.push({
      type: 'emit',
      event: {
        type: 'peer.refused',
        ...(remote && { name: remote.name }),
        address,
        code,
        message,
        direction,
      },
    });
  }
}
