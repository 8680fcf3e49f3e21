import type { PeerageErrorCode } from '../errors/peerage-error.js';
import type { NodeInfo } from '../naming/node-info.js';
import { addressOf } from '../naming/node-name.js';
import { AddressBook, type AddressRecord } from './address-book.js';
import { DialPace } from './dial-room.js';
import type { DownEvidence, Peer, PeerStatus } from './events.js';
import type { AttemptResult } from './explanation.js';
import { type ControlFrame, type Introduction, WIRE_VERSIONS } from '../wire/frames.js';
import type { Directive, LinkId, MembershipConfig } from './membership.types.js';
import { type Moment, RunningClock } from './running-clock.js';
import { Timers } from './timers.js';
import { type Timing, timingOf } from '../time/liveness-timing.js';
import { viewPart } from './view-hash.js';

interface LinkOfAnyStage {
  readonly id: LinkId;
  readonly direction: 'inbound' | 'outbound';
  /** `host:port` that was dialled, or from where the dialer came. */
  readonly address: string;
}

/** A dial without a connection yet. */
export interface DiallingLink extends LinkOfAnyStage {
  readonly stage: 'dialling';
}

interface ConnectedLink extends LinkOfAnyStage {
  /** Where the other end is, as the network sees it. */
  readonly remoteAddress: string;
  /** The dialer's random id of this connection. */
  readonly connection: string;
  /** Which of our selves the other side was told of. */
  toldSelf?: number;
  /** Whether the other side was told that we are blank. */
  toldBlank?: boolean;
  /** Whether the other side was told that we answer probes while our main loop is blocked. */
  toldAnswers?: boolean;
}

/** A dialled connection on which we have introduced ourselves. */
export interface GreetingLink extends ConnectedLink {
  readonly stage: 'greeting';
}

/** A connection whose other end has introduced itself. */
export interface IntroducedLink extends ConnectedLink {
  stage: 'welcomed' | 'conflict' | 'up';
  /** What the other end said of itself. */
  readonly remote: Introduction;
  /** The version of the wire that it speaks. */
  readonly version: number;
  /** The connection that we named as current in our welcome. */
  listed?: string;
}

/**
 * A link, by how far it has come. Outbound: dialling -> greeting -> up. Inbound: (hello) -> welcomed -> up. Either may
 * wait as `conflict` while another live node is asked whether it still has the same address.
 */
export type LinkRecord = DiallingLink | GreetingLink | IntroducedLink;

export interface PeerRecord {
  node: NodeInfo;
  /** Its connection; none while it is being redialled. */
  link?: LinkId;
  /** The address by which we dial it. */
  dialAddress: string;
  status: Exclude<PeerStatus, 'leaving'>;
  /** It shuts down, as it says. */
  isLeaving: boolean;
  /** It has heard that we shut down. */
  knowsOurLeaving: boolean;
  readonly upAtMs: number;
  /** When its connection last brought anything. */
  heard: Moment;
  /** When it last answered a probe, or shook hands. */
  proven?: Moment;
  /** When it last said, by an answer to a probe, that its main loop is blocked. */
  blocked?: Moment;
  /** Since when we watch it: it is one of our successors on the ring. */
  watched?: Moment;
  /** How often we asked it to beat, on this connection. */
  askedEveryMs?: number;
  /** How often it asked us to beat. */
  wantsEveryMs?: number;
  readonly probeKey: Uint8Array;
  /** Where it is probed: an address, never a name that would have to be looked up. */
  probeAt: { readonly host: string; readonly port: number };
  /** Whether it answers probes while its main loop is blocked, as it said last. */
  answersProbes: boolean;
  /** Whether it was told, on this connection, that we do. */
  toldAnswers?: boolean | undefined;
  /** Whether probes get through to it. */
  probes: 'untried' | 'answered' | 'unanswered';
  /** Whether a probe of its own has arrived here. */
  probedBy: boolean;
  /** Why the last probe to it could not be sent from here. */
  unsent?: string;
  trialsLeft: number;
  /** It was no peer of ours before, and both of us were blank at the handshake. */
  readonly metBlank: boolean;
  suspicion?: Suspicion;
  /** The name that it says, while another peer still goes by that. */
  said?: Pick<NodeInfo, 'name' | 'host' | 'port'>;
  /** How far its main loop was behind when it was last probed. */
  lagMs?: number;
  rttMs?: number;
  /** The last beat of the other side, to be echoed. */
  lastBeat?: { readonly sentAt: number; readonly atMs: number };
  /** When we sent the last beat that it has answered. */
  echoMs?: number;
  /** How its connection ended, while it is being redialled. */
  closedBy?: string;
  /** What came of connecting to the address in its name, to see whether we could: failures in a row, and why. */
  outOfReach?: { readonly times: number; readonly code: string };
  /** Why it cannot connect to the address in our name, as it says. */
  unreached?: string;
}

/** What is done, and was learnt, about a peer whose life is in doubt. */
export interface Suspicion {
  /** It is silent; another node told us its doubt; it says that it does not hear us; its connection broke. */
  why: 'silent' | 'told' | 'unheard' | 'lost';
  readonly since: Moment;
  /** When its connection broke, if it did. */
  lost?: Moment;
  /** No silence before this counts, on the running clock. */
  countsFromMs: number;
  /** By its own word: when it last heard us. */
  unheardSinceMs?: number;
  /** Whether the suspect, and everybody who does not watch it, was told. */
  isTold: boolean;
  /** Probes of the current burst that are still to be sent. */
  burstLeft: number;
  sent: number;
  answered: number;
  /** How many went unanswered since the last answer. */
  unanswered: number;
  /** By boot id: who was asked whether it hears the suspect. */
  readonly asked: Map<string, DownEvidence['asked'][number]>;
  /** No try to replace its connection before this, on the running clock. */
  reconnectAtMs: number;
}

/** Someone new at the address of a peer that we still hold for alive, the incumbent. */
interface NameConflict {
  readonly link: IntroducedLink;
  readonly incumbent: PeerRecord;
  /** A beat of the incumbent that echoes this, or a later answer to a probe, proves that it lives. */
  readonly askedAt: number;
}

/**
 * Why an address is dialled: at once, because a provider lists it, for the same reason and after it failed before, or
 * because it was heard of.
 */
export type DialQueue = 'urgent' | 'listed' | 'failing' | 'hinted';

export interface DialRecord {
  readonly queue: DialQueue;
  readonly startedAtMs: number;
  /** Somebody took the connection. */
  isOpen: boolean;
  /** The other side has answered our hello. */
  isAnswered: boolean;
  /** Turns of the loop since it began, of those that came on time. */
  turns: number;
}

/** What the parts of the core share: its state, the time of the input, and the directives it leads to. */
export class Core {
  readonly timing: Timing;
  readonly clock: RunningClock;
  out: Directive[] = [];
  self: NodeInfo;
  isDraining = false;
  isStopping = false;
  /** Whether probes of us are answered while our main loop is blocked. */
  answersProbes = true;
  /** Whether nothing of ours has to be told to a newcomer, as our handshakes say. */
  isBlank = true;
  readonly timers = new Timers();
  readonly book: AddressBook;
  readonly links = new Map<LinkId, LinkRecord>();
  /** Those of them that are being dialled, or in their handshake. */
  readonly handshakes = new Set<LinkId>();
  /** By boot id. */
  readonly peers = new Map<string, PeerRecord>();
  /** Boot id of the peer that names this address as its own. */
  readonly byAddress = new Map<string, string>();
  /** Dials under way, up to the end of their handshakes. */
  readonly dials = new Map<LinkId, DialRecord>();
  readonly pace = new DialPace();
  readonly conflicts = new Map<LinkId, NameConflict>();
  /** Boot ids that the app disconnected, and at which address they were. */
  readonly disconnected = new Map<string, string>();
  /** Addresses to dial: `urgent` past every limit, then what providers list, then hints, newest first. */
  readonly ready: Record<DialQueue, AddressRecord[]> = { urgent: [], listed: [], failing: [], hinted: [] };
  /** Boot ids of the peers in order, until one comes or goes. */
  ring: string[] | undefined;
  /** How often a peer was declared down and came back as the same process, by boot id. */
  readonly falseAlarmsOf = new Map<string, number>();
  /** A hash of the boot ids of all peers and of our own. */
  viewHash: number;
  /** When we last looked at all peers at once, since many were silent. */
  lookedAroundMs = Number.NEGATIVE_INFINITY;
  private lastLink: LinkId = 0;
  private forgottenInQueues = 0;

  constructor(readonly config: MembershipConfig) {
    this.self = config.self;
    this.viewHash = viewPart(config.self.bootId);
    this.timing = timingOf(config.heartbeat);
    this.clock = new RunningClock(this.timing.stepMs);
    this.book = new AddressBook(
      config.limits.hintedNames,
      (record) => this.isInUse(record),
      (record) => this.forgotten(record),
    );
  }

  /** Monotonic, of the input. */
  get nowMs(): number {
    return this.clock.now.ms;
  }

  /** Whether a peer says that it is at this address, or was dialled there. */
  private isInUse({ address, boundTo }: AddressRecord): boolean {
    return this.byAddress.has(address) || this.peers.get(boundTo ?? '')?.dialAddress === address;
  }

  /** Queues keep what is forgotten until its turn comes, or until there is much of it. */
  private tidyQueues(): void {
    this.forgottenInQueues += 1;
    if (this.forgottenInQueues <= this.config.limits.hintedNames) return;
    this.forgottenInQueues = 0;
    for (const queue of ['urgent', 'listed', 'failing', 'hinted'] as const)
      this.ready[queue] = this.ready[queue].filter((record) => this.book.get(record.address) === record);
  }

  /** An address goes. Who waits for an attempt to dial it is told. */
  private forgotten({ address, queued }: AddressRecord): void {
    this.timers.delete('hint', address);
    this.timers.delete('dial', address);
    if (!queued) return;
    this.tidyQueues();
    const message =
      'it was forgotten before it could be dialled: too many names, or nobody names it any more';
    this.out.push({ type: 'attempt', address, result: { result: 'failed', code: 'ABORTED', message } });
  }

  /** How often we have changed since the start: a handshake may have told of an earlier self. */
  selfVersion = 0;

  admit(peer: PeerRecord): void {
    const { bootId, name } = peer.node;
    this.peers.set(bootId, peer);
    this.byAddress.set(addressOf(name), bootId);
    this.viewHash = (this.viewHash + viewPart(bootId)) >>> 0;
  }

  dismiss({ node: { bootId, name } }: PeerRecord): void {
    const address = addressOf(name);
    this.peers.delete(bootId);
    if (this.byAddress.get(address) === bootId) this.byAddress.delete(address);
    this.viewHash = (this.viewHash - viewPart(bootId)) >>> 0;
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

  /** A peer as the app sees it. */
  snapshot(peer: PeerRecord): Peer {
    return {
      ...peer.node,
      status: peer.isLeaving ? 'leaving' : peer.status,
      connectedAt: new Date(this.config.originMs + peer.upAtMs),
      ...(peer.rttMs !== undefined && { rttMs: peer.rttMs }),
    };
  }

  /** A link's way begins. */
  begin(link: LinkRecord): void {
    this.handshakes.add(link.id);
    this.advance(link);
  }

  /** A link has come to its next stage. */
  advance(link: LinkRecord): void {
    this.links.set(link.id, link);
  }

  /** What we say of ourselves in a handshake. */
  introduction(): Introduction {
    const { cluster, probeKey, limits } = this.config;
    return {
      versions: WIRE_VERSIONS,
      cluster,
      node: this.self,
      probeKey,
      answersProbes: this.answersProbes,
      peers: this.peers.size,
      ...(this.isBlank && { blank: true }),
      limits: { frameBytes: limits.frameBytes, messageBytes: limits.messageBytes },
    };
  }

  /** Messages for this peer go by this link, from now on. */
  route({ id, remote }: IntroducedLink): void {
    this.out.push({ type: 'route', bootId: remote.node.bootId, link: id, limits: remote.limits });
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
    this.handshakes.delete(link.id);
    const dial = this.dials.get(link.id);
    if (dial) this.pace.ended(dial, this.nowMs);
    this.dials.delete(link.id);
    this.conflicts.delete(link.id);
    this.timers.delete('handshake', link.id);
    this.timers.delete('conflict', link.id);
  }

  /** The dial behind this link is over. */
  attemptEnded(link: LinkRecord, result: AttemptResult): void {
    const record = this.book.get(link.address);
    if (!record || record.dialling !== link.id) return;
    delete record.dialling;
    record.last = { ...result, atMs: this.nowMs };
    this.out.push({ type: 'attempt', address: record.address, result });
  }

  emitRefused(link: LinkRecord, code: PeerageErrorCode, message: string): void {
    const { direction, address } = link;
    const remote = remoteOf(link);
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

/** The node at the other end of a link, once it has introduced itself. */
export function remoteOf(link: LinkRecord): NodeInfo | undefined {
  return 'remote' in link ? link.remote.node : undefined;
}
