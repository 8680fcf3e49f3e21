import { Injectable } from '@nestjs/common';
import { ClusterService } from '../cluster/cluster.service.js';
import type { NameView, NodeView, PeerView, ViewRequest } from '../cluster/view/node-view.js';
import { NodeViews } from '../cluster/view/node-views.js';
import { peerageCodeOf } from '../errors/peerage-error.js';
import type { Clock } from '../time/clock.js';
import { dateMs } from '../time/clock.js';
import { Happenings } from './happenings.js';
import { makeSnapshot } from './snapshot.js';
import type { Snapshot } from './snapshot.types.js';
import type { Told } from './told.js';

/** Every node is asked what it sees this often, while somebody watches. */
const ROUND_MS = 2_000;
/** In a large cluster less often: by so much for every node beyond thirty. */
const MORE_MS = 50;
const ANSWER_MS = 1_500;
/** Others learn of a peer that comes or goes when we do, or a moment later: then they are asked out of turn. */
const HEARD_MS = 1_000;
/** Pages hear of changes no more often than this. */
const GATHER_MS = 250;
/** A node that nobody sees any more is shown this long; one that said goodbye, shorter. */
const GONE_MS = 60_000;
const LEFT_MS = 10_000;

/** Watches the whole cluster, as long as somebody looks: asks every node what it sees, again and again. */
@Injectable()
export class ClusterWatch {
  private readonly clock: Clock;
  private readonly tolds = new Map<string, Told>();
  private readonly asking = new Set<string>();
  private readonly lastEvents = new Map<string, number>();
  private readonly watchers = new Set<(snapshot: Snapshot) => void>();
  private happenings = new Happenings();
  private stopEvents: { unsubscribe(): void } | undefined;
  /** When the last round began, and when the next one will. */
  private lastRoundMs = 0;
  private nextRoundMs = 0;
  private cancelRound: () => void = () => {};
  private cancelTelling: (() => void) | undefined;

  constructor(
    private readonly cluster: ClusterService,
    private readonly views: NodeViews,
  ) {
    this.clock = cluster.clock;
  }

  get size(): number {
    return this.watchers.size;
  }

  /** Calls `watcher` with what there is, and whenever that changes. Returns the function that ends it. */
  watch(watcher: (snapshot: Snapshot) => void): () => void {
    this.watchers.add(watcher);
    if (this.watchers.size === 1) this.start();
    else watcher(this.snapshot());
    return () => {
      if (this.watchers.delete(watcher) && this.watchers.size === 0) this.stop();
    };
  }

  /** What every node that answers knows of a name. */
  async explain(name: string): Promise<{ readonly node: string; readonly answer: NameView | string }[]> {
    const own = {
      node: this.cluster.self.name,
      answer: this.views.explain(name) ?? 'It knows nothing of it.',
    };
    const others = this.cluster.peers.map(async (peer) => {
      const asked = this.views.ask<NameView | undefined>(peer, { explain: name }, ANSWER_MS);
      const answer = await asked.catch((error: unknown) => `It gives no answer: ${reasonOf(error)}`);
      return { node: peer.name, answer: answer ?? 'It knows nothing of it.' };
    });
    return [own, ...(await Promise.all(others))];
  }

  private start(): void {
    this.stopEvents = this.cluster.events$.subscribe(({ type }) => {
      this.changed();
      if (type === 'peer.up' || type === 'peer.down') this.hurry();
    });
    this.round();
  }

  private stop(): void {
    this.stopEvents?.unsubscribe();
    this.cancelRound();
    this.cancelTelling?.();
    this.cancelTelling = undefined;
    this.tolds.clear();
    this.lastEvents.clear();
    this.happenings = new Happenings();
  }

  private round(): void {
    const { peers } = this.cluster;
    this.lastRoundMs = this.clock.now();
    this.roundIn(this.roundMs);
    for (const peer of peers) void this.ask(peer, peer);
    for (const { bootId, name, by } of this.strangers()) void this.ask({ bootId, name }, by, bootId);
    this.changed();
  }

  private roundIn(ms: number): void {
    this.cancelRound();
    this.nextRoundMs = this.clock.now() + ms;
    this.cancelRound = this.clock.after(ms, () => this.round(), true);
  }

  /** What others told before somebody came or went is out of date. Rounds are no closer than in a small cluster. */
  private hurry(): void {
    const nowMs = this.clock.now();
    const atMs = Math.max(nowMs + HEARD_MS, this.lastRoundMs + ROUND_MS);
    if (atMs < this.nextRoundMs) this.roundIn(atMs - nowMs);
  }

  private get roundMs(): number {
    return ROUND_MS + Math.max(0, this.tolds.size - 30) * MORE_MS;
  }

  /** Asks a node, or another one that sees it, when we do not. */
  private async ask(
    node: Pick<Told, 'bootId' | 'name'>,
    whom: Pick<Told, 'bootId' | 'name'>,
    of?: string,
  ): Promise<void> {
    if (this.asking.has(node.bootId)) return;
    this.asking.add(node.bootId);
    const after = this.lastEvents.get(node.bootId) ?? 0;
    const request: ViewRequest = { after, ...(of !== undefined && { of }) };
    try {
      this.heard(await this.views.ask(whom, request, ANSWER_MS));
    } catch (error) {
      this.failed(node, reasonOf(error));
    } finally {
      this.asking.delete(node.bootId);
      this.changed();
    }
  }

  private heard(view: NodeView): void {
    // Nobody looks any more.
    if (this.watchers.size === 0) return;
    const { bootId, name } = view.self;
    const nowMs = dateMs(this.clock);
    this.tolds.set(bootId, { bootId, name, view, toldAtMs: nowMs });
    this.happenings.add({ bootId, name }, view.events, nowMs);
    const last = view.events.at(-1);
    if (last) this.lastEvents.set(bootId, last.number);
  }

  private failed({ bootId, name }: Pick<Told, 'bootId' | 'name'>, code: string): void {
    if (this.watchers.size === 0) return;
    const failure = code === 'NO_HANDLER' ? 'untold' : 'silent';
    this.tolds.set(bootId, { ...this.tolds.get(bootId), bootId, name, failure });
  }

  /** Nodes that others see and we do not, each with one who sees it. */
  private strangers(): (PeerView & { readonly by: Told })[] {
    const known = new Set([this.cluster.self.bootId, ...this.cluster.peers.map(({ bootId }) => bootId)]);
    const found = new Map<string, PeerView & { readonly by: Told }>();
    for (const by of this.tolds.values())
      if (known.has(by.bootId) && by.bootId !== this.cluster.self.bootId)
        for (const peer of by.view?.peers ?? [])
          if (!known.has(peer.bootId)) found.set(peer.bootId, { ...peer, by });
    return [...found.values()];
  }

  private changed(): void {
    if (this.watchers.size === 0) return;
    this.cancelTelling ??= this.clock.after(GATHER_MS, () => this.tell(), true);
  }

  private tell(): void {
    this.cancelTelling = undefined;
    const snapshot = this.snapshot();
    for (const watcher of [...this.watchers]) watcher(snapshot);
  }

  private snapshot(): Snapshot {
    const { bootId } = this.cluster.self;
    this.heard(this.views.own(this.lastEvents.get(bootId)));
    this.settle();
    const own = this.tolds.get(bootId)!;
    const tolds = [own, ...[...this.tolds.values()].filter((told) => told !== own)];
    const { happenings } = this;
    return makeSnapshot({
      tolds,
      happenings,
      nowMs: dateMs(this.clock),
      freshMs: this.roundMs + 2 * ANSWER_MS,
    });
  }

  /** Who is seen is there, who is not is gone, and is forgotten after a while. */
  private settle(): void {
    const nowMs = dateMs(this.clock);
    const own = this.cluster.self.bootId;
    const seen = new Map<string, string>(this.cluster.peers.map(({ bootId, name }) => [bootId, name]));
    for (const { bootId, name } of this.strangers()) seen.set(bootId, name);
    for (const [bootId, name] of seen) if (!this.tolds.has(bootId)) this.tolds.set(bootId, { bootId, name });
    const names = new Set(seen.values());
    for (const [bootId, told] of this.tolds) {
      const { goneAtMs, ...there } = told;
      if (bootId === own || seen.has(bootId)) this.tolds.set(bootId, there);
      else if (goneAtMs === undefined) this.tolds.set(bootId, { ...there, goneAtMs: nowMs });
      else if (nowMs - goneAtMs > this.goneMs(bootId) || names.has(told.name)) this.forget(bootId);
    }
  }

  private goneMs(bootId: string): number {
    return this.happenings.lastDown(bootId)?.reason === 'left' ? LEFT_MS : GONE_MS;
  }

  private forget(bootId: string): void {
    this.tolds.delete(bootId);
    this.lastEvents.delete(bootId);
  }
}

function reasonOf(error: unknown): string {
  return peerageCodeOf(error) ?? String(error);
}
