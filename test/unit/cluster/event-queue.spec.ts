import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ClusterEvent } from '../../../lib/cluster/cluster.events.js';
import { EventQueue } from '../../../lib/cluster/event-queue.js';
import { CapturedLog } from '../../support/captured-log.js';
import { deferred, recorder, turns } from '../../support/recorder.js';

const at = new Date();
const up = (bootId: string) => ({ type: 'peer.up', peer: { bootId }, at }) as unknown as ClusterEvent;
const down = (bootId: string) => ({ type: 'peer.down', peer: { bootId }, at }) as unknown as ClusterEvent;
const bootIdOf = (event: ClusterEvent) => ('peer' in event ? event.peer.bootId : '');

describe('the queue of a handler', () => {
  const log = new CapturedLog();
  beforeEach(() => {
    log.lines.length = 0;
    Logger.overrideLogger(log);
  });

  it('calls it at once, and for one peer never before the last call has ended', async () => {
    const gates = new Map([
      ['a', deferred()],
      ['b', deferred()],
    ]);
    const calls = recorder<string>();
    const queue = new EventQueue('App.on', async (event) => {
      calls(`${event.type} ${bootIdOf(event)}`);
      await gates.get(bootIdOf(event))?.promise;
      calls(`end ${bootIdOf(event)}`);
    });
    queue.push(up('a'));
    expect(calls.heard).toEqual(['peer.up a']);
    queue.push(down('a'));
    queue.push(up('b'));
    await turns();
    expect(calls.heard).toEqual(['peer.up a', 'peer.up b']);
    gates.get('a')!.resolve();
    await turns();
    expect(calls.heard).toEqual(['peer.up a', 'peer.up b', 'end a', 'peer.down a', 'end a']);
  });

  it('goes on after one that throws or rejects, and logs it', async () => {
    const calls = recorder<string>();
    const queue = new EventQueue('App.on', (event) => {
      calls(event.type);
      if (event.type === 'peer.up') throw new Error('thrown');
      return Promise.reject(new Error('rejected'));
    });
    queue.push(up('a'));
    queue.push(down('a'));
    await turns();
    queue.push(up('a'));
    expect(calls.heard).toEqual(['peer.up', 'peer.down', 'peer.up']);
    expect(log.lines.slice(0, 2)).toEqual([
      'error App.on failed on peer.up: thrown',
      'error App.on failed on peer.down: rejected',
    ]);
  });

  it('drops events for a handler that hangs, and says so once', () => {
    const queue = new EventQueue('App.on', () => new Promise(() => undefined));
    for (let i = 0; i < 1_001; i++) queue.push(up('a'));
    expect(log.lines).toEqual([]);
    for (let i = 0; i < 5; i++) queue.push(up('a'));
    expect(log.lines).toEqual([expect.stringContaining('App.on hangs: 1000 events wait for it')]);
  });
});
