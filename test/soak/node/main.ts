/**
 * One of the processes of `npm run soak`: sends and handles messages of every kind, looks at each, and prints what
 * is wrong. Its configuration comes as JSON in its first argument, commands on standard input.
 */
import 'reflect-metadata';
import { getEventListeners } from 'node:events';
import { createInterface } from 'node:readline';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterService, PeerageModule, viaList } from 'nestjs-peerage';
import { seededRandom } from '../../sim/random.js';
import { AlternationWatch } from '../alternation-watch.js';
import type { SoakCommand, SoakConfig, SoakState } from './config.js';
import { Pattern } from './data.js';
import { STREAMS, SoakHandlers } from './handlers.js';
import { Load } from './load.js';
import { Counter } from './tally.js';
import { Talk } from './talk.js';
import { tell } from './tell.js';

const LOOK_MS = 200;
const TALLY_MS = 1_000;
const MIB = 1024 * 1024;

/** An outbox, from outside. */
interface Queue {
  readonly bytes: number;
  readonly heldBytes: number;
}

const config = JSON.parse(process.argv[2] ?? '{}') as SoakConfig;

@Injectable()
class Soak {
  readonly talk: Talk;
  private readonly load: Load;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    readonly cluster: ClusterService,
    pattern: Pattern,
    private readonly counter: Counter,
  ) {
    this.talk = new Talk(cluster, pattern, counter);
    this.load = new Load(cluster, this.talk, seededRandom(config.seed), config.rate);
    const alternation = new AlternationWatch((text) => tell({ type: 'fault', text }));
    cluster.events$.subscribe({
      next: (event) => {
        if (event.type === 'peer.up') alternation.up(event.peer.bootId);
        if (event.type !== 'peer.down') return;
        const { peer, reason, evidence } = event;
        alternation.down(peer.bootId);
        tell({ type: 'down', bootId: peer.bootId, reason, evidence });
      },
      complete: () => this.ended(),
    });
  }

  start(): void {
    this.load.start();
    this.every(LOOK_MS, () => this.talk.pending.look(performance.now()));
    this.every(LOOK_MS, () => this.assertQueues());
    this.every(TALLY_MS, () => this.tally());
    this.every(config.sampleMs, () => this.sample());
  }

  rest(): void {
    this.load.stop();
  }

  /** A request to each peer, which has to be answered. */
  async exchange(): Promise<void> {
    const size = 100_000;
    const topic = STREAMS[0];
    for (const { bootId } of this.cluster.peers) {
      const isAnswered = await this.talk.ask(bootId, bootId, {
        kind: 'echo',
        topic,
        size,
        answerBytes: size,
      });
      if (!isAnswered) tell({ type: 'fault', text: `at the end ${bootId} did not answer` });
    }
  }

  state(): SoakState {
    const { cluster, talk, load, counter } = this;
    return {
      bootId: cluster.self.bootId,
      peers: cluster.peers.map(({ bootId }) => bootId),
      pending: talk.pending.describe(),
      listeners: getEventListeners(load.lasting.signal, 'abort').length,
      unanswered: counter.unanswered,
      sentTo: counter.sentTo,
      handledFrom: counter.handledFrom,
    };
  }

  stopping(): void {
    this.talk.isClosing = true;
    this.load.stop();
  }

  /** Goodbye is said and the mesh is closed: nothing waits any longer. */
  private ended(): void {
    for (const timer of this.timers) clearInterval(timer);
    for (const what of this.talk.pending.describe())
      tell({ type: 'fault', text: `${what} had not ended when the app was closed` });
    this.tally();
    tell({ type: 'ended', state: this.state() });
  }

  private tally(): void {
    tell({ type: 'tally', tally: this.counter.tally() });
  }

  /** What waits for a peer holds about as much memory as it counts, and no more than it may. */
  private assertQueues(): void {
    const most = config.options.limits?.sendQueueBytes ?? 0;
    const { mesh } = this.cluster as unknown as { mesh: { messages: { outboxes: Map<string, Queue> } } };
    for (const [bootId, { bytes, heldBytes }] of mesh.messages.outboxes) {
      const what = `the queue to ${bootId} has ${bytes} bytes and holds ${heldBytes}`;
      // Answers have as much again.
      if (bytes > 2 * most + MIB || heldBytes > 2 * bytes + MIB) tell({ type: 'fault', text: what });
    }
  }

  private sample(): void {
    globalThis.gc?.();
    const { heapUsed: heap, rss, arrayBuffers: buffers } = process.memoryUsage();
    tell({ type: 'memory', sample: { heap, rss, buffers }, atMs: performance.now() });
  }

  private every(ms: number, what: () => void): void {
    this.timers.push(setInterval(what, ms));
  }
}

@Module({
  imports: [PeerageModule.forRoot({ ...config.options, via: viaList([...config.names]) })],
  providers: [Soak, SoakHandlers, Pattern, Counter],
})
class AppModule {}

async function obey({ run: what }: SoakCommand): Promise<unknown> {
  switch (what) {
    case 'state':
      return soak.state();
    case 'rest':
      return soak.rest();
    case 'exchange':
      return soak.exchange();
    case 'close':
      return close();
    case 'stall':
      return app.get(SoakHandlers).stall();
    case 'unstall':
      return app.get(SoakHandlers).unstall();
  }
}

/** Ends the app and nothing else: the process must end by itself. */
async function close(): Promise<void> {
  soak.stopping();
  await app.close();
  input.removeAllListeners('close');
  input.close();
  process.stdin.destroy();
}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const soak = app.get(Soak);
// Before the shutdown hooks, which hear of it later.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => soak.stopping());
app.enableShutdownHooks();

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const command = JSON.parse(line) as SoakCommand;
  void obey(command).then((value) => tell({ type: 'reply', id: command.id, value }));
});
// Whoever started this process is gone: it ends even if something keeps it.
input.on('close', () => void setTimeout(() => process.exit(), 5_000).unref());

soak.start();
tell({ type: 'started', bootId: soak.cluster.self.bootId });
