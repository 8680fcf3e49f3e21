import { setMaxListeners } from 'node:events';
import type { ClusterService, Peer } from 'nestjs-peerage';
import { sizeOf } from './data.js';
import { AMBIGUOUS, NEVER, NOBODY, SLOW, STREAMS, THROWS, UNSENDABLE_ANSWER } from './handlers.js';
import type { Address, Talk } from './talk.js';

const TICK_MS = 10;
/** More is not made up for after the process stood still. */
const MAX_BEHIND_MS = 500;
/** Nobody waits for more than that at once. */
const MAX_PENDING = 2_000;
/** What does not wait for its turn is short: it goes to everyone. */
const MAX_BROADCAST_BYTES = 256 * 1024;
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Even on a busy machine an answer that takes longer is lost. */
const PATIENCE_MS = 30_000;
/** A burst does not fit into a queue. */
const BURST = 40;
const BURST_BYTES = 1024 * 1024;

/** How often each thing is done, in thousandths. */
const SHARES = {
  send: 380,
  echo: 160,
  patient: 160,
  broadcast: 100,
  slow: 50,
  throws: 40,
  sendThrows: 10,
  nobody: 20,
  sendNobody: 5,
  ambiguous: 10,
  aborted: 30,
  listening: 10,
  never: 5,
  unsendable: 5,
  unsendableAnswer: 5,
  gone: 9,
  burst: 1,
} as const;

type Deed = keyof typeof SHARES;

/** Messages of every kind, at random, so many a second. */
export class Load {
  /** Requests come and go with it, and it never aborts. */
  readonly lasting = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private lastMs = 0;
  private due = 0;
  private readonly gone: Address[] = [];

  constructor(
    private readonly cluster: ClusterService,
    private readonly talk: Talk,
    private readonly random: () => number,
    private readonly rate: number,
  ) {
    // Many requests may wait with it at once.
    setMaxListeners(0, this.lasting.signal);
    cluster.on('peer.down', ({ peer }) => {
      this.gone.push(peer.bootId);
      if (this.gone.length > 8) this.gone.shift();
    });
    cluster.on('peer.up', ({ peer }) => {
      const at = this.gone.indexOf(peer.bootId);
      if (at >= 0) this.gone.splice(at, 1);
    });
  }

  start(): void {
    this.lastMs = performance.now();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    const nowMs = performance.now();
    this.due += (this.rate * Math.min(nowMs - this.lastMs, MAX_BEHIND_MS)) / 1_000;
    this.lastMs = nowMs;
    for (; this.due >= 1; this.due -= 1) if (this.talk.pending.size < MAX_PENDING) void this.one(this.deed());
  }

  private deed(): Deed {
    let at = this.random() * 1_000;
    const found = Object.entries(SHARES).find(([, share]) => (at -= share) < 0);
    return (found?.[0] ?? 'echo') as Deed;
  }

  private async one(deed: Deed): Promise<unknown> {
    // Those that shut down are left alone, as by any load balancer.
    const peers = this.cluster.peers.filter(({ status }) => status !== 'leaving');
    if (peers.length === 0) return undefined;
    const peer = this.pick(peers);
    const to = peer.bootId;
    const address = this.addressOf(peer);
    const { talk } = this;
    const topic = this.pick(STREAMS);
    const size = sizeOf(this.random);
    const small = Math.min(size, 1_024);
    const ask = { topic, size: small };
    switch (deed) {
      case 'send':
        return talk.send(peer, address, topic, size);
      case 'sendThrows':
        return talk.send(peer, address, THROWS, small);
      case 'sendNobody':
        return talk.send(peer, address, NOBODY, small);
      case 'broadcast':
        return talk.broadcast(topic, Math.min(size, MAX_BROADCAST_BYTES));
      case 'echo': {
        const answerBytes = Math.min(sizeOf(this.random), MAX_ANSWER_BYTES);
        return talk.ask(to, address, { kind: 'echo', topic, size, answerBytes });
      }
      case 'patient': {
        const answerBytes = Math.min(sizeOf(this.random), MAX_ANSWER_BYTES);
        return talk.ask(to, address, { kind: 'patient', topic, size, answerBytes, timeoutMs: PATIENCE_MS });
      }
      case 'slow':
        return talk.ask(to, address, {
          ...ask,
          kind: 'slow',
          topic: SLOW,
          timeoutMs: this.between(200, 3_000),
        });
      case 'throws':
        return talk.ask(to, address, { ...ask, kind: 'throws', topic: THROWS });
      case 'nobody':
        return talk.ask(to, address, { ...ask, kind: 'nobody', topic: NOBODY });
      case 'ambiguous':
        return talk.ask(to, address, { ...ask, kind: 'ambiguous', topic: AMBIGUOUS });
      case 'aborted':
        return talk.ask(to, address, { ...ask, kind: 'aborted', topic: SLOW, signal: this.soonAborted() });
      case 'listening':
        return talk.ask(to, address, { ...ask, kind: 'echo', signal: this.lasting.signal });
      case 'never':
        return talk.ask(to, address, {
          ...ask,
          kind: 'never',
          topic: NEVER,
          timeoutMs: this.between(100, 2_000),
        });
      case 'unsendable':
        return talk.ask(to, address, { ...ask, kind: 'unsendable', extra: () => size });
      case 'unsendableAnswer':
        return talk.ask(to, address, { ...ask, kind: 'unsendableAnswer', topic: UNSENDABLE_ANSWER });
      case 'gone':
        return (
          this.gone.length > 0 && talk.ask('somebody gone', this.pick(this.gone), { ...ask, kind: 'gone' })
        );
      case 'burst':
        return Promise.all(Array.from({ length: BURST }, () => talk.send(peer, address, topic, BURST_BYTES)));
    }
  }

  private soonAborted(): AbortSignal {
    const controller = new AbortController();
    const ms = this.between(-100, 800);
    if (ms < 0) controller.abort();
    else setTimeout(() => controller.abort(), ms).unref();
    return controller.signal;
  }

  private addressOf(peer: Peer): Address {
    return this.pick([peer, peer.name, peer.bootId]);
  }

  private pick<T>(of: readonly T[]): T {
    return of[Math.floor(this.random() * of.length)]!;
  }

  private between(from: number, to: number): number {
    return Math.round(from + this.random() * (to - from));
  }
}
