import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { PeerageModule } from '../../../lib/index.js';
import type { MessageContext, PeerageModuleOptions } from '../../../lib/index.js';
import { PEERAGE_CLOCK } from '../../../lib/peerage.constants.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';
import type { Clock } from '../../../lib/time/clock.js';
import { sleep } from '../../../lib/time/waiting.js';
import { CapturedLog } from '../../support/captured-log.js';

const COUNT = 600;
const HANDLER_MS = 200;
const DRAIN_MS = 10_000;

const NUMBERS = Array.from({ length: COUNT }, (_, i) => i);

let cluster: TestCluster | undefined;
let log: CapturedLog;
let clock: Clock;
afterEach(() => cluster?.stop());

/** Who sends, and who receives. */
async function pair(options: PeerageModuleOptions = {}): Promise<[TestNode, TestNode]> {
  @Module({
    imports: [PeerageModule.forRoot({ appName: 'app', shutdown: { drainMs: DRAIN_MS }, ...options })],
  })
  class AppModule {}
  log = new CapturedLog();
  cluster = await TestCluster.start(2, () =>
    Test.createTestingModule({ imports: [AppModule] }).setLogger(log),
  );
  const [a, b] = cluster.nodes;
  clock = a!.get<Clock>(PEERAGE_CLOCK);
  return [a!, b!];
}

/** Takes its time over each message; what it began, in order. */
function slowly({ cluster: service }: TestNode): { data: number; context: MessageContext }[] {
  const begun: { data: number; context: MessageContext }[] = [];
  service.handle('n', async (data: number, context) => {
    begun.push({ data, context });
    await sleep(HANDLER_MS, undefined, clock);
  });
  return begun;
}

/** How long it took, in the time of the cluster. */
async function closed(node: TestNode): Promise<number> {
  const sinceMs = clock.now();
  await node.close();
  return clock.now() - sinceMs;
}

describe('messages that a node sends before it ends', () => {
  it('are handled, in order, also when its goodbye comes first', async () => {
    const [a, b] = await pair();
    const begun = slowly(b);
    const sent = Promise.all(NUMBERS.map((n) => a.cluster.send(b.name, 'n', n)));
    await cluster!.settle();
    await sent;
    expect(begun.length).toBeLessThan(COUNT);
    expect(await closed(a)).toBeLessThan(DRAIN_MS);
    expect(b.cluster.peers).toEqual([]);
    expect(begun.length).toBeLessThan(COUNT);
    await cluster!.advance(10 * HANDLER_MS);
    expect(begun.map(({ data }) => data)).toEqual(NUMBERS);
    expect(new Set(begun.map(({ context }) => context.peer.name))).toEqual(new Set([a.name]));
  });

  it('go out before its goodbye, also those that the peer has no room for yet', async () => {
    const [a, b] = await pair({ limits: { handlers: 16, receiveQueueBytes: 65_536 } });
    const begun = slowly(b);
    const outcomes: string[] = [];
    for (const n of NUMBERS) {
      a.cluster.send(b.name, 'n', n).then(
        () => outcomes.push('sent'),
        ({ code }: { code: string }) => outcomes.push(code),
      );
      a.cluster.broadcast('ballast', Buffer.alloc(1_024));
    }
    b.cluster.handle('ballast', () => sleep(1, undefined, clock));
    await cluster!.settle();
    expect(outcomes.length).toBeLessThan(COUNT);
    expect(await closed(a)).toBeLessThanOrEqual(DRAIN_MS);
    await cluster!.advance(100 * HANDLER_MS);
    expect(new Set(outcomes)).toEqual(new Set(['sent']));
    expect(begun.map(({ data }) => data)).toEqual(NUMBERS);
    expect(log.matching('lost')).toEqual([]);
  });

  it('keep it no longer than drainMs: what is left is lost, with one warning', async () => {
    const [a, b] = await pair({ limits: { handlers: 1, receiveQueueBytes: 65_536 } });
    const begun: number[] = [];
    b.cluster.handle('n', ({ n }: { n: number }) => {
      begun.push(n);
      return new Promise(() => {});
    });
    const data = Buffer.alloc(4_096);
    const outcomes = NUMBERS.map((n) =>
      a.cluster.send(b.name, 'n', { n, data }).catch(({ code }: { code: string }) => code),
    );
    await cluster!.settle();
    expect(await closed(a)).toBe(DRAIN_MS);
    // Of those that go out together, nobody knows which have.
    const codes = new Set([undefined, 'CONNECTION_LOST', 'NOT_RUNNING']);
    expect(new Set(await Promise.all(outcomes))).toEqual(codes);
    expect(log.matching('lost')).toEqual([
      expect.stringMatching(/^warn This node stops while \d+ bytes of messages wait/),
    ]);
    expect(begun).toEqual([0]);
  });

  it('are lost with a crash where nobody has begun to handle them: the peer may come back', async () => {
    const [a, b] = await pair({ limits: { handlers: 1 } });
    const begun = slowly(b);
    const sent = Promise.all(NUMBERS.map((n) => a.cluster.send(b.name, 'n', n)));
    await cluster!.settle();
    await sent;
    await a.kill();
    await cluster!.until(() => b.cluster.peers.length === 0);
    const count = begun.length;
    await cluster!.advance(10 * HANDLER_MS);
    expect(begun.length).toBe(count);
    expect(count).toBeLessThan(COUNT);
  });

  it('leave requests of a peer that is gone alone', async () => {
    const [a, b] = await pair({ limits: { handlers: 1 }, shutdown: { drainMs: 0 } });
    const begun = slowly(b);
    const asked = [1, 2, 3].map((n) => a.cluster.request(b.name, 'n', n).catch(() => undefined));
    await a.cluster.send(b.name, 'n', 4);
    await cluster!.settle();
    await a.close();
    await Promise.all(asked);
    await cluster!.advance(10 * HANDLER_MS);
    expect(begun.map(({ data }) => data)).toEqual([1, 4]);
  });
});
