import type { PeerStatus } from '../membership/events.js';
import { PeerageError } from '../errors/peerage-error.js';
import type { Exchange, NodeRef } from './local-or-remote.js';
import { TOPICS, listOf } from './wire.js';

/** How long anybody waits for a node to tell its patterns, in milliseconds. Its answer counts later too. */
const PATIENCE_MS = 2_000;
/** After so many milliseconds without an answer it is asked again. */
const ASK_AGAIN_MS = 30_000;

/** Also before the app is ready: it may ask others by then. */
const EARLY = true;

/** After these, other nodes are to be preferred. */
const STATUS_EVENTS = ['peer.degraded', 'peer.recovered', 'peer.leaving'] as const;

/** A node that has handlers. */
export interface ServingNode extends NodeRef {
  readonly patterns: ReadonlySet<string>;
}

/** The nodes that have one pattern, sorted by name, and whose turn it is: the one at `cursor`. */
export interface Candidates {
  readonly nodes: readonly ServingNode[];
  /** Those that don't shut down; all, when every one does. */
  readonly staying: readonly ServingNode[];
  /** Of these, those whose event loop is not blocked; all of these, when every one is. */
  readonly well: readonly ServingNode[];
  cursor: number;
}

/** Of these nodes, which are sorted. */
export function candidatesOf(
  nodes: readonly ServingNode[],
  statusOf: (node: NodeRef) => PeerStatus,
): Candidates {
  const staying = someOr(nodes, (node) => statusOf(node) !== 'leaving');
  const well = someOr(staying, (node) => statusOf(node) !== 'degraded');
  // Not every client may begin with the same node.
  return { nodes, staying, well, cursor: Math.floor(Math.random() * nodes.length) };
}

function someOr<T>(all: readonly T[], isGood: (item: T) => boolean): readonly T[] {
  const good = all.filter(isGood);
  return good.length > 0 ? good : all;
}

/** Who has which patterns. Asks every node that comes up, and hears of changes. */
export class PatternRegistry {
  private readonly serving = new Map<string, ServingNode>();
  /** The last question to each node that was asked and has not answered. */
  private readonly asked = new Map<string, symbol>();
  /** The answers that are worth waiting for. */
  private readonly awaited = new Set<Promise<void>>();
  private candidates = new Map<string, Candidates>();
  /** Whether this node itself was leaving when they were made. */
  private isLeaving = false;
  private endings: (() => void)[] = [];

  /** Calls `gone` with every node that is no peer any more. */
  constructor(
    private readonly exchange: Exchange,
    private readonly gone: (node: NodeRef) => void,
  ) {}

  open(): void {
    const { cluster } = this.exchange;
    this.endings = [
      this.exchange.handle(TOPICS.patterns, (patterns, node) => this.learn(node, patterns), EARLY),
      cluster.on('peer.up', ({ peer }) => this.ask(peer)),
      cluster.on('peer.down', ({ peer }) => {
        this.learn(peer, []);
        this.gone(peer);
      }),
      ...STATUS_EVENTS.map((type) => cluster.on(type, () => this.candidates.clear())),
    ];
    for (const node of [cluster.self, ...cluster.peers]) this.ask(node);
  }

  close(): void {
    for (const end of this.endings.splice(0)) end();
    this.asked.clear();
    this.awaited.clear();
    this.serving.clear();
    this.candidates.clear();
  }

  get isSettled(): boolean {
    return this.awaited.size === 0;
  }

  /** Resolves when every node that is known now has told its patterns, or has had its time. */
  async settled(): Promise<void> {
    await Promise.all(this.awaited);
  }

  candidatesFor(pattern: string): Candidates {
    const { cluster } = this.exchange;
    const { isLeaving } = cluster.state;
    if (this.isLeaving !== isLeaving) this.candidates.clear();
    this.isLeaving = isLeaving;
    let found = this.candidates.get(pattern);
    if (found) return found;
    const nodes = [...this.serving.values()].filter(({ patterns }) => patterns.has(pattern));
    nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
    const statuses = new Map(cluster.peers.map(({ bootId, status }) => [bootId, status]));
    if (isLeaving) statuses.set(cluster.self.bootId, 'leaving');
    found = candidatesOf(nodes, ({ bootId }) => statuses.get(bootId) ?? 'up');
    if (nodes.length > 0) this.candidates.set(pattern, found);
    return found;
  }

  private ask(node: NodeRef): void {
    const question = Symbol('question');
    this.asked.set(node.bootId, question);
    const answered = this.queryPatterns(node, question);
    const enough = new Promise<void>((resolve) => {
      const cancel = this.exchange.cluster.clock.after(PATIENCE_MS, resolve, true);
      void answered.finally(() => {
        cancel();
        resolve();
      });
    });
    this.awaited.add(enough);
    void enough.finally(() => this.awaited.delete(enough));
  }

  /** What a node tells of itself meanwhile is newer than its answer. */
  private async queryPatterns(node: NodeRef, question: symbol): Promise<void> {
    try {
      const patterns = await this.exchange.request(node, TOPICS.ask, null, ASK_AGAIN_MS);
      if (this.asked.get(node.bootId) === question) this.learn(node, patterns);
    } catch (error) {
      if (this.asked.get(node.bootId) !== question) return;
      if (error instanceof PeerageError && error.code === 'REQUEST_TIMEOUT') this.ask(node);
      // It is gone, or has no server; it will tell when it gets one.
      else this.learn(node, []);
    }
  }

  private learn(node: NodeRef, patterns: unknown): void {
    this.asked.delete(node.bootId);
    const known = new Set(listOf('string', patterns));
    const { bootId, name } = node;
    if (known.size > 0) this.serving.set(bootId, { bootId, name, patterns: known });
    else this.serving.delete(bootId);
    this.candidates.clear();
  }
}
