import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeProbe } from '../../../../lib/mesh/probes/probe-codec.js';
import { ProbeExchange, type ProbeTarget } from '../../../../lib/mesh/probes/probe-exchange.js';

let nowMs: number;
beforeEach(() => {
  nowMs = 1_000_000;
});

const bootId = (digit: string) => digit.repeat(32);

/** One end, and how others ask it. */
function endOf(id: string, lagMs = 0) {
  const key = randomBytes(32);
  const exchange = new ProbeExchange({ bootId: id, key, nowMs: () => nowMs, lagMs: () => lagMs });
  const target: ProbeTarget = { bootId: id, host: '127.0.0.1', port: 1, key, silentMs: 0 };
  return { exchange, target };
}

describe('an exchange of probes', () => {
  it('answers with the lag of the main loop, and passes on that it was not heard', () => {
    const [a, b] = [endOf(bootId('a')), endOf(bootId('b'), 1_234)];
    const taken = b.exchange.take(a.exchange.ask({ ...b.target, silentMs: 2_500.4 }));
    expect(taken?.unheard).toEqual({ bootId: bootId('a'), silentMs: 2_500 });
    expect(a.exchange.take(taken!.answer!)).toEqual({ answered: { bootId: bootId('b'), lagMs: 1_234 } });
  });

  it('takes each probe and each answer once, however often and in whatever order they come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.nat({ max: 99 }), { maxLength: 300 }),
        (count, order) => {
          const [a, b] = [endOf(bootId('a')), endOf(bootId('b'))];
          const probes = Array.from({ length: count }, () => a.exchange.ask({ ...b.target, silentMs: 1 }));
          const answers: Buffer[] = [];
          const seen = new Set<number>();
          let highest = -1;
          for (const each of order.map((at) => at % count)) {
            const taken = b.exchange.take(probes[each]!);
            // One that is far behind may be refused though it is new: that is a lost datagram.
            if (seen.has(each)) expect(taken).toBeUndefined();
            else if (each > highest - 32) expect(taken?.unheard).toBeDefined();
            highest = Math.max(highest, each);
            seen.add(each);
            if (taken?.answer) answers.push(taken.answer);
          }
          for (const answer of answers) expect(a.exchange.take(answer)?.answered).toBeDefined();
          for (const answer of answers) expect(a.exchange.take(answer)).toBeUndefined();
        },
      ),
    );
  });

  it('knows what was recorded before the thread that sent it was started anew', () => {
    const b = endOf(bootId('b'));
    const first = endOf(bootId('a'));
    const recorded = Array.from({ length: 40 }, () => first.exchange.ask(b.target));
    for (const probe of recorded) expect(b.exchange.take(probe)).toBeDefined();
    nowMs += 2_000;
    const second = endOf(bootId('a'));
    expect(b.exchange.take(second.exchange.ask(b.target))).toBeDefined();
    for (const probe of recorded) expect(b.exchange.take(probe)).toBeUndefined();
  });

  it('waits three seconds for an answer, and no longer', () => {
    const [a, b] = [endOf(bootId('a')), endOf(bootId('b'))];
    const answerTo = () => b.exchange.take(a.exchange.ask(b.target))!.answer!;
    const [early, late] = [answerTo(), answerTo()];
    nowMs += 2_999;
    expect(a.exchange.take(early)?.answered).toBeDefined();
    nowMs += 1;
    expect(a.exchange.take(late)).toBeUndefined();
  });

  it('answers nobody who lacks the key, asks for another boot id, or belongs to another time of the process', () => {
    const [a, b] = [endOf(bootId('a')), endOf(bootId('b'))];
    expect(b.exchange.take(a.exchange.ask({ ...b.target, key: randomBytes(32) }))).toBeUndefined();
    expect(b.exchange.take(a.exchange.ask({ ...b.target, bootId: bootId('c') }))).toBeUndefined();
    const restarted = endOf(bootId('b'));
    expect(restarted.exchange.take(a.exchange.ask(b.target))).toBeUndefined();
  });

  it('counts no forged probe: the next genuine one is taken', () => {
    const [a, b] = [endOf(bootId('a')), endOf(bootId('b'))];
    const forged = { from: bootId('a'), to: bootId('b'), count: 2 ** 48 - 1, nonce: '00'.repeat(8), ms: 9 };
    expect(b.exchange.take(encodeProbe({ kind: 'probe', ...forged }, randomBytes(32)))).toBeUndefined();
    expect(b.exchange.take(a.exchange.ask(b.target))?.answer).toBeDefined();
  });

  it('takes no answer that nobody waits for, or of somebody else', () => {
    const [a, b] = [endOf(bootId('a')), endOf(bootId('b'))];
    const ids = { from: bootId('b'), to: bootId('a'), count: 1, nonce: '00'.repeat(8), ms: 0 };
    expect(a.exchange.take(encodeProbe({ kind: 'answer', ...ids }, b.target.key))).toBeUndefined();
    const c = endOf(bootId('c'));
    const answer = b.exchange.take(a.exchange.ask(b.target))!.answer!;
    expect(c.exchange.take(answer)).toBeUndefined();
  });
});
