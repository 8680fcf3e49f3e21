/**
 * A small Nest app that is one node. Its options come as JSON in its first argument; it prints a line of JSON
 * for everything that happens, and takes commands on standard input.
 */
import 'reflect-metadata';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { Injectable, Module } from '@nestjs/common';
import type { DynamicModule, OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClusterService, PeerageModule, viaDns, viaFile, viaList, viaLocal, viaUdp } from 'nestjs-peerage';
import type { ClusterEvent, Via } from 'nestjs-peerage';
import { filter, take } from 'rxjs';
import { NoticeBoardProvider } from '../../sample/05-custom-provider/src/notice-board.provider.js';
import { flood } from './flood.js';
import type {
  Block,
  Flood,
  Load,
  NodeCommand,
  NodeConfig,
  NodeMessage,
  Sought,
  Stall,
  ViaConfig,
} from './node-config.js';
import { subpathProvider } from './subpaths.js';
import { troubled } from './trouble.js';

const config = JSON.parse(process.argv[2] ?? '{}') as NodeConfig;
const {
  via = [],
  written,
  held = false,
  quiet = false,
  shownAt,
  tellAtPeers,
  blockAtFirstPeerMs,
  ...options
} = config;

type Unstamped<T> = T extends unknown ? Omit<T, 'at'> : never;

function print(message: Unstamped<NodeMessage>): void {
  const at = performance.timeOrigin + performance.now();
  process.stdout.write(`${JSON.stringify({ ...message, at }, asJson)}\n`);
}

function asJson(_key: string, value: unknown): unknown {
  return value instanceof Error
    ? { message: value.message, code: (value as { code?: unknown }).code }
    : value;
}

async function provider(one: ViaConfig): Promise<Via> {
  if ('list' in one) return viaList([...one.list]);
  if ('dns' in one) return viaDns(one.dns);
  if ('udp' in one) return viaUdp(one.udp);
  if ('local' in one) return viaLocal(one.local);
  if ('file' in one) return viaFile(one.file);
  if ('board' in one) return new NoticeBoardProvider(one.board);
  if ('trouble' in one) return troubled(one.trouble, one.names ?? []);
  return subpathProvider(one);
}

let tellToStart: () => void;
const toldToStart = new Promise<void>((resolve) => (tellToStart = resolve));

/** Modules are initialised before any of them is bootstrapped, which is when a node listens. */
@Injectable()
class Gate implements OnModuleInit {
  constructor(private readonly cluster: ClusterService) {}

  async onModuleInit(): Promise<void> {
    this.cluster.events$.subscribe((event) => this.tell(event));
    if (blockAtFirstPeerMs !== undefined) this.blockAtFirstPeer(blockAtFirstPeerMs);
    if (!held) return;
    print({ type: 'held' });
    await toldToStart;
    print({ type: 'told' });
  }

  /** In the turn after the next: the other side has to hear of the peer too. */
  private blockAtFirstPeer(ms: number): void {
    const isUp = ({ type }: ClusterEvent): boolean => type === 'peer.up';
    const blockSoon = (): void => void setTimeout(() => block(ms), 5);
    this.cluster.events$.pipe(filter(isUp), take(1)).subscribe(blockSoon);
  }

  private tell(event: ClusterEvent): void {
    if (tellAtPeers === undefined || event.type === 'peer.down')
      print({ type: 'event', event: { ...event } });
    else if (event.type === 'peer.up' && this.cluster.peers.length === tellAtPeers) print({ type: 'full' });
  }
}

async function peerageModule(): Promise<DynamicModule> {
  if (written !== undefined) return (await import('./written.js')).writtenModule(written);
  return PeerageModule.forRoot({ ...options, via: await Promise.all(via.map(provider)) });
}

/** Few tests need it, and it takes its time to load. */
const shown = shownAt === undefined ? undefined : await import('./shown.js');

@Module({
  imports: [await peerageModule(), ...(shown ? [shown.ShownModule] : [])],
  providers: [Gate],
})
class AppModule {}

const delay = monitorEventLoopDelay({ resolution: 2 });

/** Delays of the event loop are measured from the first call on: that costs hundreds of wake-ups a second. */
function load(): Load {
  delay.enable();
  // Only with --expose-gc: then what is measured is in use.
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const measured = { maxDelayMs: delay.max / 1e6, meanDelayMs: delay.mean / 1e6 };
  delay.reset();
  return { ...measured, heapBytes: heapUsed, rssBytes: rss };
}

/** Does nothing but this for so long. */
function block(ms: number): Block {
  const fromMs = performance.timeOrigin + performance.now();
  let untilMs = fromMs;
  while (untilMs < fromMs + ms) untilMs = performance.timeOrigin + performance.now();
  return { fromMs, untilMs };
}

/** Stands still again and again. */
function stall({ forMs, everyMs }: Stall): void {
  setInterval(() => block(forMs), everyMs).unref();
}

async function run({ run: what, argument }: NodeCommand): Promise<unknown> {
  if (what === 'start') return tellToStart();
  const cluster = app.get(ClusterService);
  switch (what) {
    case 'peers':
      return cluster.peers;
    case 'connect':
      return cluster.connect(argument as string);
    case 'disconnect':
      return cluster.disconnect(argument as string);
    case 'poll':
      return cluster.poll();
    case 'explain':
      return cluster.explain(argument as string | undefined);
    case 'meta':
      return cluster.setMeta(argument as Record<string, unknown>);
    case 'load':
      return load();
    case 'block':
      return block(argument as number);
    case 'stall':
      return stall(argument as Stall);
    case 'flood':
      return flood(cluster, argument as Flood);
    case 'seek':
      return shown!.seek(shownAt!, argument as Sought);
    case 'close':
      return close();
  }
}

/** Ends the app and nothing else: the process must end by itself. */
async function close(): Promise<void> {
  await app.close();
  print({ type: 'closed' });
  delay.disable();
  input.close();
  process.stdin.destroy();
}

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const command = JSON.parse(line) as NodeCommand;
  const { id } = command;
  run(command).then(
    (value) => print({ type: 'reply', id, value }),
    (error: unknown) => {
      const { code = 'UNKNOWN', message } = error as Error & { code?: string };
      print({ type: 'reply', id, error: `${code}: ${message}` });
    },
  );
});
// Whoever started this process is gone.
input.on('close', () => void setTimeout(() => process.exit(), 10_000).unref());

const logging = quiet ? { logger: false as const } : {};
const app = await (shown
  ? shown.serve(AppModule, shownAt!, logging)
  : NestFactory.createApplicationContext(AppModule, logging));
app.enableShutdownHooks();
const { name, bootId } = app.get(ClusterService).self;
print({ type: 'started', name, bootId });
