import { describe, expect, it } from 'vitest';
import { PeerageError } from '../../../../lib/errors/peerage-error.js';
import { FrameKind } from '../../../../lib/wire/frames.js';
import { FrameLink, type Pipe, type PipeEvents } from '../../../../lib/mesh/transport/frame-link.js';
import { FrameReader } from '../../../../lib/wire/frame-reader.js';
import { Outbox } from '../../../../lib/mesh/transport/outbox.js';
import { settings } from '../../../support/peerage-settings.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const { limits } = settings();

/** A pipe whose other end reads when it is told to. */
class SlowPipe implements Pipe {
  readonly remoteAddress = '127.0.0.1:1';
  bufferedBytes = 0;
  readonly writes: Buffer[] = [];
  readonly handed: ((error?: Error) => void)[] = [];
  hasRoom = true;
  isEnded = false;
  isDestroyed = false;
  events!: PipeEvents;

  attach(events: PipeEvents): void {
    this.events = events;
  }

  start(): void {}

  write(buffers: readonly Buffer[], handed?: (error?: Error) => void): boolean {
    expect(this.isEnded).toBe(false);
    this.writes.push(Buffer.concat(buffers));
    if (handed) this.handed.push(handed);
    return this.hasRoom;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
    queueMicrotask(() => this.events.closed('EOF'));
  }
}

function setUp() {
  const clock = new VirtualClock();
  const pipe = new SlowPipe();
  const link = new FrameLink(pipe, {
    limits,
    clock,
    defer: (run) => void clock.after(0, run),
    handshakeMs: 1_000,
  });
  link.open({ frame: () => {}, heard: () => {}, closed: () => {} });
  link.established();
  const outbox = new Outbox(limits);
  outbox.restart(Infinity);
  const push = (body: unknown): void =>
    void outbox.push(FrameKind.event, ['x', body], ['topic', 'data'], 'x');
  /** What the other end has read: kinds, and the data of messages. */
  const arrived = (): unknown[] => {
    const frames: unknown[] = [];
    const reader = new FrameReader(limits.frameBytes, {
      frame: (kind, body) =>
        void frames.push(kind === FrameKind.event ? (body as unknown[])[1] : `kind ${kind}`),
      failed: (error) => void frames.push(error.code),
    });
    for (const bytes of pipe.writes) reader.push(bytes);
    return frames;
  };
  return { clock, pipe, link, outbox, push, arrived, turn: () => clock.advance(0) };
}

const outcome = async (promise: Promise<void>): Promise<string> =>
  Promise.race([
    promise.then(
      () => 'handed',
      (error: PeerageError) => error.code,
    ),
    new Promise<string>((resolve) => setImmediate(() => resolve('waits'))),
  ]);

describe('a link that carries an outbox', () => {
  it('sends what waits there, and what comes, once a turn', () => {
    const { link, outbox, push, arrived, pipe, turn } = setUp();
    push('before');
    link.carry(outbox);
    turn();
    for (let i = 0; i < 10; i++) push(i);
    expect(pipe.writes).toHaveLength(1);
    turn();
    expect(pipe.writes).toHaveLength(2);
    expect(arrived()).toEqual(['before', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('sends beats before messages, however many wait', () => {
    const { link, outbox, push, arrived, pipe, turn } = setUp();
    link.carry(outbox);
    pipe.hasRoom = false;
    for (let i = 0; i < 50; i++) push(Buffer.alloc(20_000));
    turn();
    const sent = arrived().length;
    expect(sent).toBeLessThan(10);
    link.send(FrameKind.beat, {}, 'beat');
    pipe.hasRoom = true;
    pipe.events.drained();
    expect(arrived()[sent]).toBe(`kind ${FrameKind.beat}`);
    expect(arrived()).toHaveLength(51);
  });

  it('writes no more while the network takes no more', () => {
    const { link, outbox, push, pipe, turn } = setUp();
    link.carry(outbox);
    pipe.hasRoom = false;
    push(1);
    turn();
    for (let i = 0; i < 10; i++) {
      push(i);
      turn();
    }
    expect(pipe.writes).toHaveLength(1);
    pipe.events.drained();
    expect(pipe.writes).toHaveLength(2);
  });

  it('keeps for another link what it has not sent when the other end is gone', () => {
    const { link, outbox, push, arrived, pipe, turn } = setUp();
    link.carry(outbox);
    push('sent');
    turn();
    push('kept');
    pipe.events.ended();
    turn();
    expect(arrived()).toEqual(['sent']);
    const next = setUp();
    next.link.carry(outbox);
    next.turn();
    expect(next.arrived()).toEqual(['kept']);
  });

  it('says its last word behind all messages', () => {
    const { link, outbox, push, arrived, pipe, turn } = setUp();
    link.carry(outbox);
    push('first');
    push(Buffer.alloc(200_000));
    link.unload();
    link.send(FrameKind.leave, {});
    link.end();
    turn();
    expect(arrived().map((each) => (Buffer.isBuffer(each) ? each.length : each))).toEqual([
      'first',
      200_000,
      `kind ${FrameKind.leave}`,
    ]);
    expect(pipe.isEnded).toBe(true);
  });

  it('tells when a message has left: when the operating system says so', async () => {
    const { link, outbox, push, pipe, turn } = setUp();
    link.carry(outbox);
    push(1);
    const promise = outbox.ticket(FrameKind.event, undefined);
    turn();
    expect(await outcome(promise)).toBe('waits');
    pipe.handed[0]!();
    expect(await outcome(promise)).toBe('handed');
    push(2);
    turn();
    expect(pipe.handed).toHaveLength(1);
  });

  it('tells that nobody knows, when it breaks meanwhile', async () => {
    for (const broken of ['write', 'destroy', 'unloaded'] as const) {
      const { link, outbox, push, pipe, turn } = setUp();
      link.carry(outbox);
      push(1);
      const promise = outbox.ticket(FrameKind.event, undefined);
      if (broken === 'unloaded') link.unload();
      else turn();
      if (broken === 'write') pipe.handed[0]!(new Error('EPIPE'));
      else link.destroy();
      expect(await outcome(promise)).toBe('CONNECTION_LOST');
    }
  });

  it('leaves alone what it did not send', async () => {
    const { link, outbox, push, pipe, turn } = setUp();
    link.carry(outbox);
    pipe.hasRoom = false;
    push(1);
    turn();
    push(2);
    const promise = outbox.ticket(FrameKind.event, undefined);
    link.destroy();
    expect(await outcome(promise)).toBe('waits');
  });
});

describe('a link that ends', () => {
  it('waits as long as bytes move, and a second without any', () => {
    const { clock, pipe, link } = setUp();
    pipe.bufferedBytes = 5;
    link.end();
    for (; pipe.bufferedBytes > 0; pipe.bufferedBytes--) {
      clock.advance(900);
      expect(pipe.isDestroyed).toBe(false);
    }
    clock.advance(900);
    pipe.events.data(Buffer.of(0));
    clock.advance(1_000);
    expect(pipe.isDestroyed).toBe(false);
    clock.advance(1_000);
    expect(pipe.isDestroyed).toBe(true);
  });

  it('waits for ten seconds at most, whatever the other side says', () => {
    const { clock, pipe, link } = setUp();
    link.end();
    for (let i = 0; i < 22; i++) {
      clock.advance(500);
      pipe.events.data(Buffer.of(0));
    }
    expect(pipe.isDestroyed).toBe(true);
  });
});
