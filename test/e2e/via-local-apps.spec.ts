import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Controller, Injectable, Logger, type Type } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterService, OnClusterMessage, PeerageModule, viaList } from '../../lib/index.js';
import { peerageMicroservice } from '../../lib/microservices/index.js';
import type { NodeConfig } from '../programs/node-config.js';
import { CapturedLog } from '../support/captured-log.js';
import { freePorts, nameOn } from '../support/processes/cluster.js';
import { Program, stopPrograms } from '../support/processes/programs.js';

const node = fileURLToPath(new URL('../../build/test/programs/node.js', import.meta.url));
const HINT =
  /WARN.*shop@\S+ may be another app: program "(.*)", ours is "(.*)"\. .* "shop", it is from package\.json/;
/** Several polls, and whatever they lead to. */
const POLLS_MS = 3_000;
/** A peer is asked of its app within this. */
const ASKED_MS = 4_000;

let root: string;
const programs: Program[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'via-local-apps-'));
});
afterEach(async () => {
  await stopPrograms(programs.splice(0));
  rmSync(root, { recursive: true, force: true });
});

/** An app with a package of its own, as in a repository of several. */
async function start(folder: string, config: NodeConfig = {}): Promise<Program> {
  const script = join(root, folder, 'main.mjs');
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, 'package.json'), JSON.stringify({ name: 'shop' }));
  writeFileSync(script, `import ${JSON.stringify(node)};`);
  const [port = 0] = await freePorts(1);
  const options = { port, intervalMs: 500, via: [{ local: { dir: join(root, 'peers') } }], ...config };
  const program = new Program(script, { args: [JSON.stringify(options)] });
  programs.push(program);
  await program.line(/"type":"started"/);
  return program;
}

const isUp = (program: Program) => program.line(/"type":"peer\.up"/);
const warningsOf = ({ lines }: Program) => lines.filter((line) => /\b(WARN|ERROR)\b/.test(line));

describe('apps on one machine', () => {
  it('of other clusters leave each other in peace', async () => {
    const shop = await start('shop', { cluster: 'shop' });
    const mail = await start('mail', { cluster: 'mail' });
    const another = await start('mail', { cluster: 'mail' });
    await Promise.all([isUp(mail), isUp(another)]);
    await sleep(POLLS_MS);
    for (const program of programs) {
      expect(warningsOf(program)).toEqual([]);
      expect(program.lines.filter((line) => line.includes('peer.refused'))).toEqual([]);
    }
    expect(shop.lines.filter((line) => line.includes('"type":"peer.up"'))).toEqual([]);
  });

  it('of the same name that nobody chose become peers, and each is told once that it may be another app', async () => {
    const api = await start('api');
    const worker = await start('worker');
    const replica = await start('worker');
    await Promise.all(programs.map((program) => program.line(HINT)));
    await Promise.all([isUp(api), isUp(worker), isUp(replica)]);
    await sleep(POLLS_MS);
    const hints = programs.map(({ lines }) => lines.flatMap((line) => HINT.exec(line)?.slice(1) ?? []));
    const [ofApi, ofWorker] = ['api', 'worker'].map((name) => join(root, name, 'main'));
    expect(hints).toEqual([
      [ofWorker, ofApi],
      [ofApi, ofWorker],
      [ofApi, ofWorker],
    ]);
  });

  it('of the same name that was chosen are told nothing', async () => {
    const api = await start('api', { appName: 'shop' });
    const worker = await start('worker', { appName: 'shop' });
    await Promise.all([isUp(api), isUp(worker)]);
    await sleep(ASKED_MS);
    expect(programs.flatMap(warningsOf)).toEqual([]);
  });
});

describe('a peer that was met over the network', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => void (await Promise.all(ends.splice(0).map((end) => end()))));

  @Controller()
  class Orders {
    @MessagePattern('orders.add')
    add(): number {
      return 1;
    }
  }
  @Controller()
  class Newer extends Orders {
    @MessagePattern('orders.remove')
    remove(): number {
      return 1;
    }
  }
  @Controller()
  class Mails {
    @MessagePattern('mails.send')
    send(): number {
      return 1;
    }
  }
  @Injectable()
  class Prices {
    @OnClusterMessage('price.changed')
    changed(): void {}
  }

  async function startApp(
    ports: readonly number[],
    i: number,
    controllers: Type[],
    meta = {},
    providers: Type[] = [],
  ) {
    const via = viaList(ports.map((port) => nameOn(port, 'vitest')));
    const peerage = PeerageModule.forRoot({ bind: '127.0.0.1', port: ports[i]!, via, meta });
    Logger.overrideLogger(['error']);
    const module = await Test.createTestingModule({ imports: [peerage], controllers, providers })
      .setLogger(new CapturedLog())
      .compile();
    const app = module.createNestApplication();
    ends.push(() => app.close());
    if (controllers.length > 0) {
      app.connectMicroservice(peerageMicroservice());
      await app.startAllMicroservices();
    }
    await app.init();
    return app.get(ClusterService);
  }

  it('may be another app when each has patterns, topics or meta that the other has not', async () => {
    const ports = await freePorts(6);
    const parts: Parameters<typeof startApp>[] = [
      [ports, 0, [Orders]],
      [ports, 1, [Newer]],
      [ports, 2, [Mails]],
      [ports, 3, [], { zone: 'a' }],
      [ports, 4, [], { role: 'b' }],
      [ports, 5, [], {}, [Prices]],
    ];
    const nodes = await Promise.all(parts.map((each) => startApp(...each)));
    await Promise.all(nodes.map((one) => one.waitFor(5, { timeoutMs: 30_000 })));
    const notes = () =>
      nodes.map((one) =>
        one
          .explain()
          .notes.flatMap(
            (note) => /:(\d+) may be another app: (.*?)\. Nobody/.exec(note)?.slice(1).join(' ') ?? [],
          )
          .toSorted(),
      );
    const of = (i: number, what: string, theirs: string, ours: string) =>
      `${ports[i]} ${what} ${theirs}, which we have not, and we ${ours}`;
    const [find, send, price] = ['"orders.add"', '"mails.send"', '"price.changed"'] as const;
    await vi.waitFor(
      () =>
        expect(notes()).toEqual(
          [
            [of(2, 'handlers for', send, find), of(5, 'handlers for', price, find)],
            [
              of(2, 'handlers for', send, `${find}, "orders.remove"`),
              of(5, 'handlers for', price, `${find}, "orders.remove"`),
            ],
            [
              of(0, 'handlers for', find, send),
              of(1, 'handlers for', `${find}, "orders.remove"`, send),
              of(5, 'handlers for', price, send),
            ],
            [of(4, 'meta with', '"role"', '"zone"')],
            [of(3, 'meta with', '"zone"', '"role"')],
            [
              of(0, 'handlers for', find, price),
              of(1, 'handlers for', `${find}, "orders.remove"`, price),
              of(2, 'handlers for', send, price),
            ],
          ].map((each) => each.toSorted()),
        ),
      { timeout: 30_000 },
    );
  });
});
