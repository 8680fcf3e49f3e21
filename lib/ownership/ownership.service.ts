import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { Subject, defer, distinctUntilChanged, startWith } from 'rxjs';
import { PeerageError } from '../errors/peerage-error.js';
import type { PeerEvent } from '../membership/events.js';
import type { Mesh } from '../mesh/mesh.js';
import type { NodeInfo } from '../naming/node-info.js';
import { LOG_CONTEXT, PEERAGE_CLOCK, PEERAGE_MESH, PEERAGE_SETTINGS } from '../peerage.constants.js';
import type { PeerageSettings } from '../peerage.options.js';
import { Presence } from '../presence/presence.service.js';
import type { Clock } from '../time/clock.js';
import { every } from '../time/clock.js';
import { FormerOpeners } from './core/former-openers.js';
import { hasMajority } from './core/quorum.js';
import { best } from './core/rendezvous.js';
import { isSettled } from './core/settling.js';
import { Holder } from './holder.js';
import type { HeldWork } from './holder.js';
import { KeySpace } from './key-space.js';

/** How often a node that starts looks whether it has found the others. */
const LOOK_MS = 25;

/** How often a majority is counted: peers fall into doubt without an event. */
const COUNT_MS = 500;

/** The key whose owner is the coordinator. */
const COORDINATOR = '$coordinator';

/**
 * Among whom a key has its owner.
 *
 * @publicApi
 */
export interface OwnerOptions {
  /** The nodes that count. Every node must give the same answer: let it go by `meta` or `name`. @default all */
  readonly among?: ((node: NodeInfo) => boolean) | undefined;
}

/** Who owns what: rendezvous hashing among the nodes that stay. */
@Injectable()
export class Ownership {
  private startedAtMs: number | undefined;
  private isPolled = false;
  private phase: 'starting' | 'settled' | 'leaving' = 'starting';
  private tellSettled: () => void = () => {};
  private tellEnd: (error: PeerageError) => void = () => {};
  private readonly endings: (() => void)[] = [];
  private listed: { readonly self: NodeInfo; readonly members: readonly NodeInfo[] } | undefined;
  private readonly spaces = new Map<string, KeySpace>();
  /** Of the spaces that are open, or whose work has not ended. */
  private readonly holders = new Map<string, Holder>();
  private readonly former = new FormerOpeners();
  private readonly leaders: Holder;
  /** Whoever is the coordinator now; often the same as before. */
  private readonly coordinators = new Subject<NodeInfo | undefined>();
  private hadTooMany = false;

  /** Resolves when this node may own keys. Rejects with PeerageError `ABORTED` when it ends before. */
  readonly settled = new Promise<void>((resolve, reject) => {
    this.tellSettled = resolve;
    this.tellEnd = reject;
  });
  /** The coordinator whenever it is another one, the current one first. */
  readonly coordinator$: Observable<NodeInfo | undefined>;

  constructor(
    @Inject(PEERAGE_MESH) private readonly mesh: Mesh,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    @Inject(PEERAGE_SETTINGS) private readonly settings: PeerageSettings,
    private readonly presence: Presence,
  ) {
    // Nobody may have asked for it.
    this.settled.catch(() => {});
    this.leaders = this.newHolder();
    this.coordinator$ = defer(() => this.coordinators.pipe(startWith(this.coordinator))).pipe(
      distinctUntilChanged((a, b) => a?.bootId === b?.bootId),
    );
    mesh.subscribe((event) => this.hear(event));
    presence.of('$keys').changes$.subscribe(({ left }) => {
      for (const { key, node } of left) this.former.add(node.bootId, key);
      this.look();
    });
  }

  /** This node listens. */
  start(): void {
    this.startedAtMs = this.clock.now();
    this.endings.push(every(this.clock, LOOK_MS, () => this.settle()));
    if (this.settings.quorum) this.endings.push(every(this.clock, COUNT_MS, () => this.look()));
  }

  /** Every provider was asked. */
  polled(): void {
    this.isPolled = true;
    this.settle();
  }

  /** This node shuts down: from now on it owns nothing, and what holds keys is told to end. */
  leave(): void {
    if (this.phase === 'leaving') return;
    if (this.phase === 'starting')
      this.tellEnd(new PeerageError('ABORTED', 'This node ended before it had found the others.'));
    this.phase = 'leaving';
    this.listed = undefined;
    for (const end of this.endings.splice(0)) end();
    this.look();
  }

  /** Resolves when nothing runs any more that holds a key. */
  async finished(): Promise<void> {
    await Promise.all([this.leaders, ...this.holders.values()].map((holder) => holder.finished()));
  }

  stop(): void {
    this.leave();
    this.coordinators.complete();
  }

  get isSettled(): boolean {
    return this.phase === 'settled';
  }

  /** This node and its peers, without those that shut down. */
  members(): readonly NodeInfo[] {
    const { self, peers } = this.mesh;
    if (this.listed?.self === self) return this.listed.members;
    const others = peers.filter(({ status }) => status !== 'leaving');
    const members = this.phase === 'leaving' ? others : [self, ...others];
    this.listed = { self, members };
    return members;
  }

  ownerOf(key: string): NodeInfo;
  ownerOf(key: string, options: OwnerOptions): NodeInfo | undefined;
  ownerOf(key: string, { among }: OwnerOptions = {}): NodeInfo | undefined {
    const members = this.members();
    if (among) return best(key, members.filter(among), nameOf);
    // When all shut down, a message still has to go somewhere.
    return best(key, members.length > 0 ? members : [this.mesh.self, ...this.mesh.peers], nameOf);
  }

  owns(key: string, options: OwnerOptions = {}): boolean {
    return this.isSettled && this.isSelf(this.ownerOf(key, options));
  }

  keys(name: string): KeySpace {
    const known = this.spaces.get(name);
    if (known) return known;
    // Work of before it was closed may still be ending.
    const holder = this.holders.get(name) ?? this.newHolder();
    const members = (): readonly NodeInfo[] => this.openersOf(name);
    const keys = new KeySpace(name, {
      holder,
      members,
      self: () => this.mesh.self,
      opened: this.presence.of('$keys').track(name, {}),
      closed: () => void this.closed(name),
    });
    this.spaces.set(name, keys);
    this.holders.set(name, holder);
    this.look();
    return keys;
  }

  private async closed(name: string): Promise<void> {
    this.spaces.delete(name);
    await this.holders.get(name)?.finished();
    if (!this.spaces.has(name)) this.holders.delete(name);
  }

  /** What this node holds now, a few words each, for people. */
  held(): string[] {
    const lead = this.leaders.held().length > 0 ? ['the lead'] : [];
    const keys = [...this.holders].flatMap(([name, holder]) =>
      holder.held().map((key) => `${key} of ${name}`),
    );
    return [...lead, ...keys];
  }

  /** Whether more than half of `quorum.of` nodes are here, by what this node has heard of late. */
  get hasQuorum(): boolean {
    const { quorum } = this.settings;
    return quorum === undefined || hasMajority(1 + this.mesh.heardPeers, quorum.of);
  }

  get coordinator(): NodeInfo | undefined {
    return this.hasQuorum ? best(COORDINATOR, this.candidates(), nameOf) : undefined;
  }

  get isCoordinator(): boolean {
    return this.isSelf(this.coordinator);
  }

  /** Runs `work` while this node is the coordinator. */
  lead(name: string, work: HeldWork): void {
    this.leaders.hold(COORDINATOR, name, work);
    this.look();
  }

  private hear({ type }: PeerEvent): void {
    if (type === 'peer.refused') return;
    this.listed = undefined;
    this.look();
  }

  private settle(): void {
    const { mesh, clock, settings, presence, isPolled, startedAtMs } = this;
    if (this.phase !== 'starting' || startedAtMs === undefined) return;
    const seen = {
      sinceMs: clock.now() - startedAtMs,
      isPolled,
      hasPeers: mesh.peers.length > 0,
      isCalm: !mesh.isDialling,
      allTold: presence.knowsAll,
    };
    const pollMs = settings.syncOffsetMs + settings.limits.pollMs;
    if (!isSettled(seen, { settleMs: settings.ownership.settleMs, pollMs })) return;
    this.endings.shift()?.();
    this.phase = 'settled';
    this.tellSettled();
    this.look();
  }

  /** Something may have changed: who owns what? Asked at every event, so only what somebody waits for is worked out. */
  private look(): void {
    if (this.leaders.hasWork) this.tellHolder(this.leaders, this.hasQuorum ? this.candidates() : []);
    for (const [name, holder] of this.holders) this.tellHolder(holder, this.openersOf(name));
    if (this.coordinators.observed) this.coordinators.next(this.coordinator);
    this.warnOfTooMany();
  }

  private tellHolder(holder: Holder, members: readonly NodeInfo[]): void {
    const self = members.find((node) => this.isSelf(node));
    holder.view(members.map(nameOf), self?.name);
  }

  /** Those who may own something: this node only when it has seen enough of the cluster. */
  private candidates(): readonly NodeInfo[] {
    const members = this.members();
    return this.isSettled ? members : members.filter((node) => !this.isSelf(node));
  }

  private openersOf(space: string): readonly NodeInfo[] {
    const opened = new Set(
      this.presence
        .of('$keys')
        .nodes(space)
        .map(({ bootId }) => bootId),
    );
    return this.candidates().filter((node) => {
      if (opened.has(node.bootId)) return true;
      return !this.isSelf(node) && !this.presence.knows(node.bootId) && this.former.has(node.bootId, space);
    });
  }

  private isSelf(node: NodeInfo | undefined): boolean {
    return node?.bootId === this.mesh.self.bootId;
  }

  private newHolder(): Holder {
    const { handoverMs } = this.settings.ownership;
    const options = { handoverMs, awayMs: this.settings.heartbeat.downMs };
    return new Holder({ clock: this.clock, options, log: new Logger(LOG_CONTEXT) });
  }

  private warnOfTooMany(): void {
    const { quorum } = this.settings;
    if (!quorum) return;
    const nodes = 1 + this.mesh.peers.length;
    const isTooMany = nodes > quorum.of;
    if (isTooMany && !this.hadTooMany)
      new Logger(LOG_CONTEXT).warn(
        `There are ${nodes} nodes, and quorum.of says that ${quorum.of} run at most: two sides of a split could both ` +
          'have a majority. Raise quorum.of to the most that run at once, those of a rolling update included.',
      );
    this.hadTooMany = isTooMany;
  }
}

function nameOf({ name }: NodeInfo): string {
  return name;
}
