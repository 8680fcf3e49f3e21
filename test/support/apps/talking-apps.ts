import { createServer, connect, type Server, type Socket } from 'node:net';
import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ClusterService, PeerageModule, viaList } from '../../../lib/index.js';
import type { PeerageModuleOptions } from '../../../lib/index.js';
import { CapturedLog } from '../captured-log.js';
import { SECRET, freePorts, nameOn } from '../processes/cluster.js';
import { endTogether } from '../mesh/tcp-proxy.js';

export interface TalkingApp {
  readonly app: INestApplicationContext;
  readonly cluster: ClusterService;
  readonly log: CapturedLog;
}

export interface AppParts extends ModuleMetadata {
  readonly options?: PeerageModuleOptions;
}

/** Real apps in this process, on loopback; `stop` ends all of them. */
export class TalkingApps {
  private readonly apps: TalkingApp[] = [];

  /** Starts them, each told of all others, and waits until all are connected. */
  async start(...parts: readonly AppParts[]): Promise<TalkingApp[]> {
    const ports = await freePorts(parts.length);
    const via = viaList(ports.map((port) => nameOn(port)));
    const apps = await Promise.all(
      parts.map((each, i) => this.startOne({ ...each, options: { port: ports[i]!, via, ...each.options } })),
    );
    await Promise.all(apps.map(({ cluster }) => cluster.waitFor(parts.length - 1, { timeoutMs: 20_000 })));
    return apps;
  }

  async startOne({ options = {}, imports = [], ...rest }: AppParts): Promise<TalkingApp> {
    const log = new CapturedLog();
    Logger.overrideLogger(['debug', 'log', 'warn', 'error', 'verbose', 'fatal']);
    const peerage = PeerageModule.forRoot({ appName: 'app', bind: '127.0.0.1', secret: SECRET, ...options });
    const builder = Test.createTestingModule({ imports: [peerage, ...imports], ...rest }).setLogger(log);
    const app = await (await builder.compile()).init();
    const talking = { app, cluster: app.get(ClusterService), log };
    this.apps.push(talking);
    return talking;
  }

  async stop(): Promise<void> {
    await Promise.all(this.apps.splice(0).map(({ app }) => app.close()));
  }
}

/** A way to a node on which callers' bytes go slowly, when it is told to. The way back is never slow. */
export class SlowWay {
  private readonly server: Server = createServer((caller) => this.forward(caller));
  private readonly sockets = new Set<Socket>();
  private bytesPerSecond = Infinity;

  constructor(private readonly to: number) {}

  async open(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }

  slowDown(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(caller: Socket): void {
    const target = connect(this.to, '127.0.0.1');
    caller.on('data', (chunk: Buffer) => {
      target.write(chunk);
      if (this.bytesPerSecond === Infinity) return;
      caller.pause();
      setTimeout(() => caller.resume(), (1_000 * chunk.length) / this.bytesPerSecond);
    });
    target.pipe(caller);
    endTogether(this.sockets, caller, target);
  }
}
