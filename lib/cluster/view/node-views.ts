import { Inject, Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { PeerageError } from '../../errors/peerage-error.js';
import type { NameExplanation } from '../../membership/explanation.js';
import type { Peer } from '../../membership/events.js';
import { Messaging } from '../../messaging/messaging.js';
import { Ownership } from '../../ownership/ownership.service.js';
import type { Clock } from '../../time/clock.js';
import { dateMs } from '../../time/clock.js';
import { PEERAGE_CLOCK } from '../../peerage.constants.js';
import { ClusterService } from '../cluster.service.js';
import { EventHub } from '../event-hub.js';
import { printable } from '../../naming/printable.js';
import type { JobStats } from '../../runs/run.events.js';
import type {
  JobView,
  MissingView,
  NameView,
  NodeView,
  PeerView,
  ProviderView,
  ViewRequest,
} from './node-view.js';
import { RecentEvents } from './recent-events.js';
import { withoutPasswords } from './without-passwords.js';

/** On this topic every node answers, whatever else its app imports. One of an older release answers `NO_HANDLER`. */
const VIEW_TOPIC = '$$peerage.view';

/** So long a node waits for the view of another that it was asked to fetch. */
const FETCH_MS = 1_000;

/** Names without a connection, at most: a provider may list thousands. */
const MOST_MISSING = 200;

/** A person reads them. */
const MOST_HELD = 30;
const MOST_JOBS = 100;
const MOST_WORDS = 300;

/** What this node sees, told to any member that asks, and what the others see. */
@Injectable()
export class NodeViews implements OnModuleInit {
  private readonly recent = new RecentEvents();
  private readonly holders: (() => readonly string[])[] = [];

  constructor(
    private readonly cluster: ClusterService,
    private readonly messaging: Messaging,
    private readonly hub: EventHub,
    @Inject(PEERAGE_CLOCK) private readonly clock: Clock,
    private readonly ownership: Ownership,
  ) {}

  /** From now on events are kept, and members answered. */
  onModuleInit(): void {
    this.hub.onAny((event) => this.recent.add(event));
    this.addHolder(() => this.ownership.held());
    this.messaging.handleEarly(VIEW_TOPIC, (request: unknown) => this.answer(read(request)));
  }

  /** Adds what this node holds: `holder` is called for each view, and says it in a few words each. */
  addHolder(holder: () => readonly string[]): void {
    this.holders.push(holder);
  }

  /** How this node sees the cluster now. */
  own(after = 0): NodeView {
    const { cluster } = this;
    const { names, providers, notes, loop, alone, listening, ...rest } = cluster.explain();
    const { upMs, jobs } = cluster.stats();
    const nowMs = dateMs(this.clock);
    return {
      self: rest.self,
      cluster: rest.cluster,
      security: rest.security,
      ...(listening && { listening }),
      isLeaving: rest.state === 'leaving',
      pid: process.pid,
      nodeVersion: process.version,
      uptimeMs: upMs,
      loop: { lagMs: Math.round(loop.lagMs), ...(loop.last && { last: loop.last }) },
      ...(alone && { alone }),
      peers: this.peers(names),
      missing: names.filter(isMissing).slice(0, MOST_MISSING).map(missing),
      providers: providers.map(provider),
      holds: this.holders.flatMap((holder) => holder()).slice(0, MOST_HELD),
      ...(jobs.length > 0 && { jobs: jobs.slice(0, MOST_JOBS).map((one) => job(one, nowMs)) }),
      notes: notes.map(withoutPasswords),
      events: this.recent.since(after, nowMs),
    };
  }

  /** What is known here of a name. */
  explain(name: string): NameView | undefined {
    const [known] = this.cluster.explain(name).names;
    if (!known) return undefined;
    // Not the peer itself, whose meta is for other nodes.
    const { state, summary, foundBy } = known;
    return { state, summary: printable(withoutPasswords(summary)), foundBy };
  }

  /**
   * The view of another node, or what it knows of a name.
   *
   * @throws PeerageError as `ClusterService.request()`; `NO_HANDLER` when it runs an older release
   */
  ask<T = NodeView>(
    peer: Pick<Peer, 'bootId' | 'name'>,
    request: ViewRequest,
    timeoutMs: number,
  ): Promise<T> {
    return this.messaging.request(peer, VIEW_TOPIC, request, { timeoutMs }) as Promise<T>;
  }

  private answer({ of, after, explain }: ViewRequest): unknown {
    const own = this.cluster.self.bootId;
    if (of !== undefined && of !== own) {
      const peer = this.cluster.peer(of);
      if (!peer) throw new PeerageError('NO_SUCH_PEER', `${of} is no peer of ${this.cluster.self.name}.`);
      // Without `of`: it is asked for its own view, and asks nobody.
      const request = { ...(after !== undefined && { after }), ...(explain !== undefined && { explain }) };
      return this.ask<unknown>(peer, request, FETCH_MS);
    }
    return explain === undefined ? this.own(after) : this.explain(explain);
  }

  private peers(names: readonly NameExplanation[]): PeerView[] {
    const doubts = new Map(names.filter(isDoubted).map(({ peer, summary }) => [peer?.bootId, summary]));
    const nowMs = dateMs(this.clock);
    return this.cluster.peers.map(({ bootId, name, status, rttMs, connectedAt }) => {
      const doubt = doubts.get(bootId);
      return {
        bootId,
        name,
        status,
        ...(rttMs !== undefined && { rttMs: Math.round(rttMs * 100) / 100 }),
        forMs: nowMs - connectedAt.getTime(),
        ...(doubt !== undefined && { doubt }),
      };
    });
  }
}

/** Members are trusted with what they say, not with our process. */
function read(request: unknown): ViewRequest {
  const { after, of, explain } = (request ?? {}) as Readonly<Record<keyof ViewRequest, unknown>>;
  return {
    ...(typeof after === 'number' && { after }),
    ...(typeof of === 'string' && { of }),
    ...(typeof explain === 'string' && { explain }),
  };
}

function isDoubted({ liveness }: NameExplanation): boolean {
  return liveness?.suspicion !== undefined;
}

function isMissing({ state }: NameExplanation): boolean {
  return state !== 'peer' && state !== 'self';
}

function missing({ name, state, failures, summary }: NameExplanation): MissingView {
  return { name, state, failures, why: printable(withoutPasswords(summary)) };
}

function provider({ names, ...rest }: ClusterProvider): ProviderView {
  const { name, state, lastAnswerAgoMs, failingForMs, error } = rest;
  return {
    name,
    state,
    names: names.length,
    ...(lastAnswerAgoMs !== undefined && { lastAnswerAgoMs }),
    ...(failingForMs !== undefined && { failingForMs }),
    ...(state === 'failing' &&
      error !== undefined && { error: printable(withoutPasswords(error)).slice(0, MOST_WORDS) }),
  };
}

function job(
  { job: name, running, started, failed, skipped, duplicates, last }: JobStats,
  nowMs: number,
): JobView {
  const { lost, unsure, store, stale, 'no quorum': noQuorum } = skipped;
  const { startedAt, tookMs, error } = last ?? {};
  return {
    name: printable(name),
    running,
    runs: started,
    failed,
    missed: lost + unsure + store + stale + noQuorum,
    duplicates,
    ...(startedAt && {
      last: {
        agoMs: Math.max(0, nowMs - startedAt.getTime()),
        ...(tookMs !== undefined && { tookMs }),
        ...(error !== undefined && { error: printable(withoutPasswords(error)) }),
      },
    }),
  };
}

type ClusterProvider = ReturnType<ClusterService['explain']>['providers'][number];
