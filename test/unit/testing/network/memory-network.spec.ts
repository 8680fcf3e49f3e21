import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryNetwork } from '../../../../lib/testing/network/memory-network.js';
import { createMemoryTransport } from '../../../../lib/testing/network/memory-transport.js';
import type { Link, Transport } from '../../../../lib/mesh/transport/transport.js';
import { DEFAULT_LIMITS } from '../../../../lib/peerage.options.js';
import { RecordedAcceptor, RecordedLink } from '../../../support/mesh/recorded-link.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const LATENCY_MS = 10;
const A = 'a:1';
const B = 'b:2';

describe('MemoryNetwork', () => {
  let clock: VirtualClock;
  let network: MemoryNetwork;
  let a: Transport;
  let door: RecordedAcceptor;

  const transport = (host: string, port: number) =>
    createMemoryTransport(network, { host, port, portIsFixed: true, limits: DEFAULT_LIMITS });
  const dial = (from: Transport, signal = new AbortController().signal) => {
    const outcome: { link?: Link; code?: string } = {};
    from.dial('b', 2, signal).then(
      (link) => (outcome.link = link),
      (error: { code: string }) => (outcome.code = error.code),
    );
    return outcome;
  };
  const connect = async () => {
    const outcome = dial(a);
    await clock.advanceAsync(2 * LATENCY_MS);
    const [near, far] = [new RecordedLink(outcome.link!), door.links.at(-1)!];
    for (const { link } of [near, far]) link.established();
    return { near, far };
  };

  beforeEach(async () => {
    clock = new VirtualClock();
    network = new MemoryNetwork(clock, LATENCY_MS);
    a = transport('a', 1);
    door = new RecordedAcceptor();
    await a.listen(new RecordedAcceptor());
    await transport('b', 2).listen(door);
  });

  it('takes one round trip to connect, and half of one to deliver', async () => {
    const outcome = dial(a);
    await clock.advanceAsync(2 * LATENCY_MS - 1);
    expect(outcome.link).toBeUndefined();
    await clock.advanceAsync(1);
    const near = new RecordedLink(outcome.link!);
    near.link.send(1, 'x');
    await clock.advanceAsync(LATENCY_MS - 1);
    expect(door.links[0]!.bodies).toEqual([]);
    await clock.advanceAsync(1);
    expect(door.links[0]!.bodies).toEqual(['x']);
  });

  it('holds what is sent while a way is cut, and delivers it in order once it is whole', async () => {
    const { near, far } = await connect();
    near.link.send(1, 'before');
    await clock.advanceAsync(LATENCY_MS / 2);
    network.cut(A, B);
    near.link.send(1, 'during');
    near.link.end();
    await clock.advanceAsync(500);
    expect(far.log).toEqual([]);
    network.heal();
    near.link.send(1, 'after the end');
    await clock.advanceAsync(LATENCY_MS);
    expect(far.bodies).toEqual(['before', 'during']);
    expect(far.log.at(-1)).toBe('closed EOF');
  });

  it('can cut one direction only', async () => {
    const { near, far } = await connect();
    network.cutOneWay(A, B);
    near.link.send(1, 'lost');
    far.link.send(1, 'heard');
    await clock.advanceAsync(100);
    expect([near.bodies, far.bodies]).toEqual([['heard'], []]);
  });

  it('fills the queue of a sender whose way is cut', async () => {
    const { near } = await connect();
    network.cut(A, B);
    let sent = 0;
    while (near.link.send(1, Buffer.alloc(1_000_000))) {
      sent++;
      clock.advance(1);
    }
    expect(sent).toBeGreaterThanOrEqual(16);
    expect(near.link.queuedBytes).toBeGreaterThan(15_000_000);
    network.heal();
    await clock.advanceAsync(1_000);
    expect(near.link.queuedBytes).toBe(0);
    expect(near.link.send(1, 'again')).toBe(true);
  });

  it('separates the nodes of different groups', async () => {
    const { near, far } = await connect();
    network.partition([A], [B]);
    near.link.send(1, 'x');
    const outcome = dial(a);
    await clock.advanceAsync(DEFAULT_LIMITS.handshakeMs);
    expect([outcome.code, far.bodies]).toEqual(['DIAL_TIMEOUT', []]);
    network.heal();
    await clock.advanceAsync(100);
    expect(far.bodies).toEqual(['x']);
  });

  it('delays', async () => {
    const { near, far } = await connect();
    network.delay(A, B, 70);
    near.link.send(1, 'slow');
    await clock.advanceAsync(69);
    expect(far.bodies).toEqual([]);
    await clock.advanceAsync(1);
    expect(far.bodies).toEqual(['slow']);
  });

  it('refuses new connections and keeps those that stand', async () => {
    const { near, far } = await connect();
    network.refuse(B);
    const outcome = dial(a);
    near.link.send(1, 'x');
    await clock.advanceAsync(100);
    expect([outcome.code, far.bodies]).toEqual(['CONNECTION_REFUSED', ['x']]);
    network.answer(B);
    await connect();
  });

  it('breaks connections', async () => {
    const { near, far } = await connect();
    network.reset(A, B);
    await clock.advanceAsync(0);
    expect([near.log, far.log]).toEqual([['closed ECONNRESET'], ['closed ECONNRESET']]);
  });

  it('loses a process: the other side hears it, its own side hears nothing', async () => {
    const { near, far } = await connect();
    network.crash(B);
    await clock.advanceAsync(100);
    expect([near.log, far.log]).toEqual([['closed ECONNRESET'], []]);
    const outcome = dial(a);
    await clock.advanceAsync(100);
    expect(outcome.code).toBe('CONNECTION_REFUSED');
    await transport('b', 2).listen(door);
    await connect();
  });

  it('lets a lost process close what it had, at once', async () => {
    const { near } = await connect();
    network.crash(A);
    let isClosed = false;
    void a.close().then(() => (isClosed = true));
    await clock.advanceAsync(0);
    expect([isClosed, near.log]).toEqual([true, ['closed EOF']]);
  });

  it('ends the link at the other side when a dial was given up under way', async () => {
    const controller = new AbortController();
    const outcome = dial(a, controller.signal);
    await clock.advanceAsync(LATENCY_MS);
    controller.abort();
    await clock.advanceAsync(100);
    expect([outcome.code, door.links[0]!.log]).toEqual(['ABORTED', ['closed EOF']]);
  });

  it('leaves no timer and no connection behind', async () => {
    const { near } = await connect();
    near.link.end();
    await clock.advanceAsync(100);
    expect(clock.pending).toBe(0);
    expect([...(network as unknown as { connections: Set<unknown> }).connections]).toEqual([]);
  });
});
