import type { RunAnswer, RunDirective, RunKey, RunQuestion } from '../../../lib/runs/core/run.types.js';
import { keyText } from '../../../lib/runs/core/run.types.js';
import { seededRandom } from '../random.js';
import type { RunsNode } from './runs-node.js';

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly work: () => void;
}

interface Session {
  /** When the last message of each direction arrives: they keep their order. */
  readonly arrivalMs: Map<string, number>;
  readonly failures: Set<() => void>;
}

/** Who ran what, and what was claimed of it. */
export interface RunRecord {
  readonly key: RunKey;
  readonly by: string[];
  /** Who came to its end. */
  readonly doneBy: string[];
  readonly claimedBy: Set<string>;
  /** Who ran it, and whom that one knew then. */
  readonly knownBy: Set<RunsNode>;
  /** All of these were dead, or stood still, when it was run again. */
  isForgotten: boolean;
}

/** Nodes, their connections, and time. Everything follows from the seed. */
export class RunsWorld {
  nowMs = 1_000_000_000_000;
  readonly nodes: RunsNode[] = [];
  readonly runs = new Map<string, RunRecord>();
  /** Who told that a run was run twice. */
  readonly duplicates = new Map<string, Set<string>>();
  readonly stored = new Map<string, string>();
  isStoreDown = false;
  /** Is told of the next run when it begins. */
  onNextRun: ((node: RunsNode) => void) | undefined;
  readonly random: () => number;
  private readonly sessions = new Map<string, Session>();
  private readonly cuts = new Set<string>();
  private heap: Due[] = [];
  private count = 0;

  constructor(
    seed: number,
    readonly periodMs: number,
    private readonly settleMs: number,
  ) {
    this.random = seededRandom(seed);
  }

  between(low: number, high: number): number {
    return low + Math.floor(this.random() * (high - low + 1));
  }

  after(ms: number, work: () => void): void {
    const due = { atMs: this.nowMs + ms, order: (this.count += 1), work };
    let i = this.heap.push(due) - 1;
    while (i > 0 && isBefore(due, this.heap[(i - 1) >> 1]!)) {
      this.heap[i] = this.heap[(i - 1) >> 1]!;
      i = (i - 1) >> 1;
    }
    this.heap[i] = due;
  }

  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.heap.length > 0 && this.heap[0]!.atMs <= endMs) {
      const next = this.pop();
      this.nowMs = next.atMs;
      next.work();
    }
    this.nowMs = endMs;
  }

  /** Its connections stand soon; it claims nothing before. */
  join(node: RunsNode): void {
    for (const other of this.nodes) if (other.state !== 'dead') this.connectSoon(node, other);
    this.nodes.push(node);
    this.settle(node, this.nowMs + this.settleMs);
  }

  /** When it has found all there are, or has looked for long enough. */
  private settle(node: RunsNode, endMs: number): void {
    this.after(200, () =>
      node.do(() => {
        const others = this.nodes.filter((other) => other !== node && other.state !== 'dead');
        const hasFound = others.every(({ id }) => node.peers.get(id)?.isKnown);
        if (!hasFound && this.nowMs < endMs) return this.settle(node, endMs);
        node.isSettled = true;
        node.input({ type: 'view' });
      }),
    );
  }

  kill(node: RunsNode): void {
    node.state = 'dead';
    node.wasTroubled ||= !node.isLeaving;
    for (const other of this.nodes) if (other !== node) this.loseIn(this.between(1, 300), other, node);
  }

  /** Its process stands still, and others give it up when that lasts. */
  freeze(node: RunsNode, forMs: number): void {
    node.stop();
    node.wasTroubled ||= forMs > 4_000;
    // When it runs again it may reach them before it has missed them.
    const isMissed = this.random() < 0.5 ? 'by both' : 'by one';
    for (const other of this.nodes)
      if (other !== node && forMs > 6_000) this.loseIn(this.between(4_000, 6_000), other, node, isMissed);
    this.after(forMs, () => node.resume());
  }

  /** Its loop is blocked, and others see that it lives. */
  block(node: RunsNode, forMs: number): void {
    node.stop();
    const tell = (status: 'up' | 'degraded'): void => {
      for (const other of this.nodes)
        other.do(() => {
          const peer = other.peers.get(node.id);
          if (peer && peer.status !== 'leaving') peer.status = status;
          other.input({ type: 'view' });
        });
    };
    if (forMs > 1_000) this.after(1_000, () => tell('degraded'));
    this.after(forMs, () => {
      node.resume();
      tell('up');
    });
  }

  leave(node: RunsNode): void {
    if (node.state !== 'running' || node.isLeaving) return;
    node.isLeaving = true;
    node.input({ type: 'leave' });
    for (const other of this.nodes)
      if (other !== node)
        this.after(this.between(1, 20), () =>
          other.do(() => {
            const peer = other.peers.get(node.id);
            if (peer) peer.status = 'leaving';
            other.input({ type: 'view' });
          }),
        );
    // What it runs is done by then.
    this.after(3_000, () => this.kill(node));
  }

  /** Two groups that do not reach each other for a while. */
  split(group: readonly RunsNode[], forMs: number): void {
    const others = this.nodes.filter((node) => !group.includes(node));
    for (const a of group)
      for (const b of others) {
        this.cuts.add(pair(a, b));
        if (forMs > 6_000) this.loseIn(this.between(4_000, 6_000), a, b);
      }
    this.after(forMs, () => {
      for (const a of group) for (const b of others) this.cuts.delete(pair(a, b));
    });
  }

  perform(node: RunsNode, directive: RunDirective): void {
    switch (directive.type) {
      case 'ask':
        if (directive.question.type === 'claim') this.recordOf(directive.question.key).claimedBy.add(node.id);
        return this.ask(node, directive.to, directive.question);
      case 'tell': {
        const ids = directive.to === undefined ? [...node.peers.keys()] : [directive.to];
        for (const id of ids)
          this.send(node, id, (to) => {
            to.input({ type: 'told', from: node.id, news: directive.news, scope: directive.scope });
          });
        return undefined;
      }
      case 'store':
        return this.store(node, directive.key);
      case 'run':
        this.noteRun(node, this.recordOf(directive.key));
        node.run(directive.key, this.between(10, 800));
        this.onNextRun?.(node);
        this.onNextRun = undefined;
        return undefined;
      case 'duplicate':
        this.tellersOf(directive.key).add(node.id);
        return undefined;
      case 'skip':
        return undefined;
    }
  }

  tellersOf(key: RunKey): Set<string> {
    const tellers = this.duplicates.get(keyText(key)) ?? new Set<string>();
    this.duplicates.set(keyText(key), tellers);
    return tellers;
  }

  private noteRun(node: RunsNode, record: RunRecord): void {
    const { by, knownBy } = record;
    record.isForgotten ||= by.length > 0 && [...knownBy].every(({ state }) => state !== 'running');
    by.push(node.id);
    for (const each of this.nodes) if (each === node || node.peers.has(each.id)) knownBy.add(each);
  }

  recordOf(key: RunKey): RunRecord {
    const text = keyText(key);
    let record = this.runs.get(text);
    if (!record)
      this.runs.set(
        text,
        (record = { key, by: [], doneBy: [], claimedBy: new Set(), knownBy: new Set(), isForgotten: false }),
      );
    return record;
  }

  private store(node: RunsNode, key: RunKey): void {
    this.after(this.between(1, 50), () => {
      const text = keyText(key);
      if (!this.isStoreDown && !this.stored.has(text)) this.stored.set(text, node.id);
      const by = this.isStoreDown ? undefined : this.stored.get(text);
      this.after(this.between(1, 50), () => node.do(() => node.input({ type: 'stored', key, by })));
    });
  }

  private ask(from: RunsNode, id: string, question: RunQuestion): void {
    const session = this.sessions.get(pairOf(from.id, id));
    let isOver = false;
    const end = (answer: RunAnswer | undefined): void => {
      if (isOver) return;
      isOver = true;
      session?.failures.delete(fail);
      from.do(() => from.input({ type: 'answered', from: id, question, answer }));
    };
    const fail = (): void => end(undefined);
    if (!session) return this.after(1, fail);
    session.failures.add(fail);
    this.after(2_000, fail);
    this.send(from, id, (to) => {
      const { answer, directives } = to.core.answer(from.id, question, this.nowMs);
      this.send(to, from.id, () => end(answer));
      to.perform(directives);
    });
  }

  /** In order; what is cut waits for as long as the session lasts. */
  private send(from: RunsNode, id: string, deliver: (to: RunsNode) => void): void {
    const session = this.sessions.get(pairOf(from.id, id));
    const to = this.nodes.find((node) => node.id === id);
    if (!session || !to) return;
    const atMs = Math.max(this.nowMs + this.between(1, 30), (session.arrivalMs.get(id) ?? 0) + 0.001);
    session.arrivalMs.set(id, atMs);
    const arrive = (): void => {
      if (this.sessions.get(pair(from, to)) !== session) return;
      if (this.cuts.has(pair(from, to))) return this.after(50, arrive);
      to.do(() => {
        if (to.peers.has(from.id)) deliver(to);
      });
    };
    this.after(atMs - this.nowMs, arrive);
  }

  private connectSoon(a: RunsNode, b: RunsNode): void {
    const missedAtMs = this.nowMs + 6_000;
    const attempt = (): void => {
      if (this.sessions.has(pair(a, b))) return;
      // One that had not missed the other does now.
      const isMissed = this.nowMs > missedAtMs;
      if (b.state === 'dead' || isMissed) this.lose(a, b);
      if (a.state === 'dead' || isMissed) this.lose(b, a);
      if (a.state === 'dead' || b.state === 'dead') return;
      const isReachable = a.state === 'running' && b.state === 'running' && !this.cuts.has(pair(a, b));
      if (!isReachable) return this.after(this.between(100, 500), attempt);
      this.sessions.set(pair(a, b), {
        arrivalMs: new Map(),
        failures: new Set(),
      });
      const wereBlank = a.isBlank && b.isBlank;
      this.welcome(a, b, wereBlank);
      this.welcome(b, a, wereBlank);
    };
    this.after(this.between(50, 1_000), attempt);
  }

  private welcome(node: RunsNode, other: RunsNode, wereBlank: boolean): void {
    const status = other.isLeaving ? 'leaving' : 'up';
    const known = node.peers.get(other.id);
    if (known) return void (known.status = status);
    node.peers.set(other.id, { status, knowsJob: false, isKnown: false });
    node.meet(other.id, wereBlank);
    this.after(this.between(1, 60), () =>
      node.do(() => {
        const peer = node.peers.get(other.id);
        if (peer) Object.assign(peer, { isKnown: true, knowsJob: other.hasJob && !other.isLeaving });
        node.input({ type: 'view' });
      }),
    );
  }

  /** They find each other gone (or only `a` finds `b`), each as soon as its loop runs, and connect again when they can. */
  private loseIn(ms: number, a: RunsNode, b: RunsNode, isMissed: 'by both' | 'by one' = 'by both'): void {
    const session = this.sessions.get(pair(a, b));
    if (!session) return;
    this.after(ms, () => {
      const isHealthy = [a, b].every(({ state }) => state === 'running') && !this.cuts.has(pair(a, b));
      if (this.sessions.get(pair(a, b)) !== session || isHealthy) return;
      this.sessions.delete(pair(a, b));
      for (const fail of [...session.failures]) fail();
      const losers = [
        [a, b],
        [b, a],
      ] as const;
      for (const [node, other] of isMissed === 'by both' ? losers : losers.slice(0, 1))
        this.lose(node, other);
      this.connectSoon(a, b);
    });
  }

  private lose(node: RunsNode, other: RunsNode): void {
    node.do(() => {
      if (node.peers.delete(other.id)) node.input({ type: 'down', id: other.id });
    });
  }

  private pop(): Due {
    const { heap } = this;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (isBefore(last, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

const pair = (a: RunsNode, b: RunsNode): string => pairOf(a.id, b.id);
const pairOf = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
