import { beforeEach, describe, expect, it } from 'vitest';
import { BlockLog } from '../../../lib/cluster/block-log.js';
import { recorder } from '../../support/recorder.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const MINUTE_MS = 60_000;

describe('the log of an event loop that stands still', () => {
  let clock: VirtualClock;
  const warn = recorder<string>();
  let log: BlockLog;
  beforeEach(() => {
    clock = new VirtualClock();
    warn.heard.length = 0;
    log = new BlockLog(warn, clock, 4_000);
  });

  /** Stands still so often, so long each time. */
  function stall(times: number, everyMs: number, forMs: number, busy: number): void {
    for (let i = 0; i < times; i++) {
      log.log({ forMs, busy });
      clock.advance(everyMs);
    }
  }

  it('tells the first time at once, and what follows within a minute in one line', () => {
    stall(15, 4_000, 1_500, 0.9);
    clock.advance(MINUTE_MS);
    expect(warn.heard).toEqual([
      'The event loop of this node was blocked for 1.5 s until now. Its own code kept it busy: look for work that takes ' +
        'long without a pause. Peers may have seen it as degraded, and requests to it waited',
      'The event loop of this node was blocked 14 more times in 1 min: for 21.0 s together, 1.5 s at most. Its own code ' +
        'kept it busy: look for work that takes long without a pause',
    ]);
  });

  it('says little of a process that is starved for an hour, and begins anew when that has been over', () => {
    stall(900, 4_000, 1_200, 0.05);
    // At once, after a minute, and six times after ten minutes.
    expect(warn.heard).toHaveLength(7);
    expect(warn.heard.at(-1)).toMatch(
      /150 more times in 10 min: for 180\.0 s together.*This process hardly ran/,
    );
    clock.advance(20 * MINUTE_MS);
    warn.heard.length = 0;
    stall(1, 0, 1_200, 0.05);
    expect(warn.heard).toEqual([expect.stringMatching(/was blocked for 1\.2 s until now\./)]);
  });

  it('tells at once of one that is much longer', () => {
    stall(3, 1_000, 1_500, 0.9);
    stall(1, 1_000, 12_000, 0.01);
    expect(warn.heard.slice(1)).toEqual([
      expect.stringMatching(/blocked for 12\.0 s until now\. This process hardly/),
    ]);
  });

  it('tells of one that is so long that peers miss this node, once a minute, however long others were', () => {
    stall(1, 1_000, 20_000, 0);
    stall(10, 1_000, 15_000, 0);
    clock.advance(2 * MINUTE_MS);
    warn.heard.length = 0;
    stall(1, 1_000, 15_000, 0);
    stall(1, 1_000, 3_000, 0);
    expect(warn.heard).toEqual([expect.stringMatching(/blocked for 15\.0 s until now/)]);
  });

  it('keeps nothing back at the end', () => {
    stall(2, 1_000, 1_500, 0.9);
    log.stop();
    clock.advance(MINUTE_MS);
    expect(warn.heard.slice(1)).toEqual([expect.stringMatching(/blocked once more: for 1\.5 s together/)]);
  });
});
