import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { viaList } from '../../lib/index.js';
import { freePorts, nameOn } from '../support/processes/cluster.js';
import { SlowWay, type TalkingApp, TalkingApps } from '../support/apps/talking-apps.js';

const apps = new TalkingApps();
const ways: SlowWay[] = [];
afterEach(async () => {
  await apps.stop();
  await Promise.all(ways.splice(0).map((way) => way.close()));
});

/** Everything that happened to peers since. */
function events({ cluster }: TalkingApp): string[] {
  const seen: string[] = [];
  const isOfPeers = (type: string) => type !== 'poll' && type !== 'peer.refused';
  cluster.events$.subscribe(({ type }) => void (isOfPeers(type) && seen.push(type)));
  return seen;
}

describe('a long message', () => {
  const MIB = 1024 * 1024;

  it('of 100 MiB stops neither short ones nor beats', async () => {
    const limits = { messageBytes: 128 * MIB, sendQueueBytes: 256 * MIB };
    const heartbeat = { intervalMs: 100, suspectMs: 1_000, downMs: 2_000 };
    const [a, b] = await apps.start({ options: { limits, heartbeat } }, { options: { limits, heartbeat } });
    const seen = [events(a!), events(b!)];
    const order: string[] = [];
    b!.cluster.handle(
      'long',
      (bytes: Buffer) => void order.push(`long ${bytes.length} ${bytes[0]} ${bytes.at(-1)}`),
    );
    b!.cluster.handle('short', (i: number) => {
      order.push('short');
      return i;
    });
    const [peer] = a!.cluster.peers;
    const long = a!.cluster.send(peer!, 'long', Buffer.alloc(100 * MIB, 7));
    while (!order.some((entry) => entry.startsWith('long')))
      expect(await a!.cluster.request(peer!, 'short', 1)).toBe(1);
    await long;
    expect(order.indexOf(`long ${100 * MIB} 7 7`)).toBeGreaterThan(10);
    expect(seen).toEqual([[], []]);
  });

  it('goes as an answer, too, and in both directions at once', async () => {
    const limits = { messageBytes: 16 * MIB, sendQueueBytes: 64 * MIB };
    const [a, b] = await apps.start({ options: { limits } }, { options: { limits } });
    for (const { cluster } of [a!, b!]) cluster.handle('echo', (data) => data);
    const bytes = Buffer.from(Array.from({ length: 5 * MIB }, (_, i) => i % 253));
    const answers = await Promise.all([
      ...Array.from({ length: 3 }, async () =>
        a!.cluster.request<Buffer>(b!.cluster.self.name, 'echo', bytes, { timeoutMs: 30_000 }),
      ),
      ...Array.from({ length: 3 }, async () =>
        b!.cluster.request<Buffer>(a!.cluster.self.name, 'echo', bytes, { timeoutMs: 30_000 }),
      ),
    ]);
    expect(answers.every((answer) => answer.equals(bytes))).toBe(true);
  });
});

describe('a slow reader', () => {
  it('slows nobody else, loses no beat, and gets in order what was taken for it', async () => {
    const [slowPort, mappedPort, otherPort, senderPort] = await freePorts(4);
    const way = new SlowWay(slowPort!);
    ways.push(way);
    await way.open(mappedPort!);
    const limits = { sendQueueBytes: 4_000_000, messageBytes: 1_000_000, frameBytes: 1_000_000 };
    const slow = await apps.startOne({ options: { port: slowPort!, name: nameOn(mappedPort!), limits } });
    const other = await apps.startOne({ options: { port: otherPort!, limits } });
    // Only the sender dials, so that its connection to the slow one goes the slow way.
    const via = viaList([nameOn(mappedPort!), nameOn(otherPort!)]);
    const sender = await apps.startOne({ options: { port: senderPort!, via, limits } });
    await sender.cluster.waitFor(2, { timeoutMs: 20_000 });
    const received: number[] = [];
    slow.cluster.handle('x', ({ i }: { i: number }) => void received.push(i));
    other.cluster.handle('echo', (data) => data);
    const seen = events(sender);

    way.slowDown(1_000_000);
    const outcomes = new Map<number, string>();
    const endMs = performance.now() + 8_000;
    let answered = 0;
    for (let i = 0; performance.now() < endMs; i++) {
      sender.cluster.send(nameOn(mappedPort!), 'x', { i, bytes: Buffer.alloc(50_000) }).then(
        () => outcomes.set(i, 'handed'),
        (error: { code: string }) => outcomes.set(i, error.code),
      );
      expect(await sender.cluster.request(nameOn(otherPort!), 'echo', i, { timeoutMs: 5_000 })).toBe(i);
      answered++;
      await sleep(5);
    }
    way.slowDown(Infinity);
    const handed = (): number[] =>
      [...outcomes].filter(([, outcome]) => outcome === 'handed').map(([i]) => i);
    await vi.waitFor(() => expect(received).toHaveLength(handed().length), {
      timeout: 30_000,
      interval: 100,
    });
    expect(received).toEqual(handed().toSorted((x, y) => x - y));
    expect(new Set(outcomes.values())).toEqual(new Set(['handed', 'OVERLOADED']));
    expect(answered).toBeGreaterThan(100);
    expect(seen).toEqual([]);
  });
});

describe('messages', () => {
  it('said at the very end arrive', async () => {
    const [a, b] = await apps.start({}, {});
    const received: number[] = [];
    b!.cluster.handle('last', ({ i }: { i: number }) => void received.push(i));
    for (let i = 0; i < 500; i++)
      a!.cluster.broadcast('last', { i, bytes: Buffer.alloc(i % 50 === 0 ? 200_000 : 10) });
    await a!.app.close();
    await vi.waitFor(() => expect(received).toHaveLength(500));
    expect(received).toEqual(Array.from({ length: 500 }, (_, i) => i));
  });
});
