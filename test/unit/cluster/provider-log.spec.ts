import { describe, expect, it } from 'vitest';
import { ProviderLog } from '../../../lib/cluster/provider-log.js';
import { recorder } from '../../support/recorder.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const MINUTE_MS = 60_000;

function world() {
  const clock = new VirtualClock();
  const told = recorder<string>();
  const log = new ProviderLog({ warn: told, log: told }, clock);
  const fail = (forMs: number, why = 'no answer') => {
    log.failed('dns:app', why);
    clock.advance(forMs);
    log.recovered('dns:app', forMs);
  };
  return { clock, log, fail, lines: told.heard };
}

describe('the log of providers', () => {
  it('tells of a failure and its end', () => {
    const { fail, lines } = world();
    fail(MINUTE_MS);
    expect(lines).toEqual([
      'Provider dns:app failed: no answer',
      'Provider dns:app works again; it had failed for 1 min',
    ]);
  });

  it('tells of one that fails at every second poll once in ten minutes', () => {
    const { clock, fail, lines } = world();
    for (let poll = 0; poll < 180; poll++) {
      fail(10_000);
      clock.advance(10_000);
    }
    expect(lines).toHaveLength(12);
    expect(lines[2]).toBe('Provider dns:app failed: no answer. It goes on: 30 times in 10 min');
  });

  it('tells of a failure that lasts, however often it failed before, with its last cause', () => {
    const { clock, log, fail, lines } = world();
    fail(1_000);
    clock.advance(10_000);
    log.failed('dns:app', 'no answer');
    log.failed('dns:app', 'refused');
    clock.advance(MINUTE_MS);
    log.recovered('dns:app', MINUTE_MS);
    expect(lines.slice(2)).toEqual([
      'Provider dns:app failed: refused',
      'Provider dns:app works again; it had failed for 1 min',
    ]);
    fail(1_000);
    log.stop();
    expect(clock.pending).toBe(0);
  });

  it('tells of another cause of a failure that was told', () => {
    const { log, lines } = world();
    log.failed('dns:app', 'no answer');
    log.failed('dns:app', 'refused');
    expect(lines).toEqual(['Provider dns:app failed: no answer', 'Provider dns:app failed: refused']);
  });
});
