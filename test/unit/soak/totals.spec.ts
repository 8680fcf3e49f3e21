import { describe, expect, it } from 'vitest';
import { requestsOf, sumOf, totalsOf } from '../../soak/totals.js';

const tally = (handled: number, outcomes: Record<string, Record<string, number>>) => ({
  handled,
  handledBytes: 10 * handled,
  answeredBytes: handled,
  handed: 4,
  refused: 1,
  outcomes,
});

describe('the totals of all processes', () => {
  const totals = totalsOf([
    tally(5, { echo: { ok: 3, PEER_GONE: 1 }, send: { ok: 9 } }),
    tally(2, { echo: { ok: 1 }, slow: { ok: 1, REQUEST_TIMEOUT: 2 } }),
  ]);

  it('are sums', () => {
    expect(totals).toEqual({
      handled: 7,
      bytes: 77,
      handed: 8,
      refused: 2,
      outcomes: { echo: { ok: 4, PEER_GONE: 1 }, send: { ok: 9 }, slow: { ok: 1, REQUEST_TIMEOUT: 2 } },
    });
  });

  it('count requests by how they ended, without sends', () => {
    expect(requestsOf(totals)).toEqual({ ok: 5, PEER_GONE: 1, REQUEST_TIMEOUT: 2 });
    expect(sumOf(requestsOf(totals))).toBe(8);
    expect(sumOf()).toBe(0);
  });
});
