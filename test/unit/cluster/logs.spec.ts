import { Logger } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterLog } from '../../../lib/cluster/cluster.log.js';
import { EventHub } from '../../../lib/cluster/event-hub.js';
import { pollTable } from '../../../lib/cluster/poll-table.js';
import { ownFault } from '../../../lib/mesh/refusals.js';
import { RefusalLog } from '../../../lib/cluster/refusal-log.js';
import type { PollReport } from '../../../lib/discovery/poll-report.js';
import type { RefusedEvent } from '../../../lib/membership/events.js';
import { systemClock } from '../../../lib/time/clock.js';
import type { PeerageModuleOptions } from '../../../lib/peerage.options.js';
import { CapturedLog } from '../../support/captured-log.js';
import { FakeNetwork, noEvidence } from '../../support/mesh/fake-mesh.js';
import { settings } from '../../support/peerage-settings.js';
import { recorder } from '../../support/recorder.js';

const log = new CapturedLog();

const STOOD_STILL = { lagMs: 0, history: { blocks: 1, longestMs: 4_000, last: { forMs: 4_000, agoMs: 10 } } };

async function setUp(options: PeerageModuleOptions = {}) {
  const made = settings(options);
  const mesh = new FakeNetwork().mesh(made);
  const hub = new EventHub(mesh, systemClock);
  mesh.subscribe((event) => hub.emit(event));
  const clusterLog = new ClusterLog(made, mesh, hub, systemClock);
  clusterLog.listen();
  await mesh.start();
  return { mesh, hub, clusterLog };
}

const report: PollReport = {
  startedAt: new Date(),
  durationMs: 33.6,
  providers: [
    { provider: 'dns', names: [], durationMs: 1, invalid: [] },
    { provider: 'list', names: [], durationMs: 1, invalid: [] },
  ],
  results: [
    { name: 'app@10.0.0.1', result: 'self' },
    { name: 'app@10.0.0.2', result: 'connected', bootId: '1' },
    { name: 'app@10.0.0.3:9999', result: 'failed', code: 'CONNECTION_REFUSED', message: 'nobody listens' },
    { name: 'app@10.0.0.4', result: 'waiting' },
    { name: 'app@10.0.0.5', result: 'pending' },
  ],
  live: ['app@10.0.0.1', 'app@10.0.0.2'],
};

beforeEach(() => {
  log.lines.length = 0;
  Logger.overrideLogger(['debug', 'log', 'warn', 'error']);
  Logger.overrideLogger(log);
});

describe('the table of a poll', () => {
  it('has what became of each name, then the live nodes', () => {
    expect(pollTable(report, 'app@10.0.0.1').split('\n')).toEqual([
      'Polled dns, list in 34 ms',
      '  NAME                 RESULT OF ATTEMPT',
      '  app@10.0.0.1         self',
      '  app@10.0.0.2         connected',
      '  app@10.0.0.3:9999    failed: CONNECTION_REFUSED (nobody listens)',
      '  app@10.0.0.4         waits for its next attempt',
      '  app@10.0.0.5         still being tried',
      '  LIVE NODES',
      '  app@10.0.0.1 (self)',
      '  app@10.0.0.2',
    ]);
  });

  it('is short when there are many names, and when there are none', () => {
    const live = Array.from({ length: 5_000 }, (_, i) => `a@h${i}`);
    const lines = pollTable({ ...report, results: [], live }, 'a@h0').split('\n');
    expect(lines).toHaveLength(105);
    expect(lines.slice(1, 3)).toEqual(['  NAME    RESULT OF ATTEMPT', '  (none)']);
    expect(lines.at(-1)).toBe('  … and 4900 more');
  });

  it('is logged at debug level, unless that is not wanted', async () => {
    const wanted = await setUp();
    wanted.hub.emit({ type: 'poll', report });
    const unwanted = await setUp({ logResults: false });
    unwanted.hub.emit({ type: 'poll', report });
    expect(log.lines).toEqual([expect.stringMatching(/^debug Polled dns, list/)]);
  });

  it('is logged again only when it has changed', async () => {
    const { hub } = await setUp();
    hub.emit({ type: 'poll', report });
    hub.emit({ type: 'poll', report: { ...report, durationMs: 12 } });
    hub.emit({ type: 'poll', report: { ...report, live: ['app@10.0.0.1'] } });
    expect(log.lines).toHaveLength(2);
  });

  it('is not logged again for a name that is dialled in vain, poll after poll', async () => {
    const { hub } = await setUp();
    const name = 'app@10.0.0.9';
    const failed = (code: 'DIAL_TIMEOUT' | 'UNREACHABLE') => ({
      name,
      result: 'failed' as const,
      code,
      message: '',
    });
    const poll = (result: PollReport['results'][number]) =>
      hub.emit({ type: 'poll', report: { ...report, results: [result] } });
    poll({ name, result: 'pending' });
    poll({ name, result: 'waiting' });
    poll(failed('DIAL_TIMEOUT'));
    for (let i = 0; i < 100; i++) {
      poll({ name, result: 'waiting' });
      poll(failed(i % 2 === 0 ? 'UNREACHABLE' : 'DIAL_TIMEOUT'));
      poll({ name, result: 'pending' });
    }
    poll({ name, result: 'connected', bootId: '9' });
    poll({ name, result: 'pending' });
    expect(log.lines.map((line) => /app@10\.0\.0\.9 +(\w+)/.exec(line)?.[1])).toEqual([
      'still',
      'failed',
      'connected',
      'still',
    ]);
  });
});

describe('the line at start', () => {
  it('says that only this machine can join', async () => {
    const { clusterLog } = await setUp();
    clusterLog.started();
    expect(log.lines).toEqual([
      'log app@127.0.0.1:40001 listens on 127.0.0.1:40001, in cluster "app", not encrypted',
      'log Port 4370 is taken, so the free port 40001 is used',
      expect.stringMatching(/^log There is no secret, so only nodes on this machine can join\./),
    ]);
  });

  it('warns of plaintext', async () => {
    const { clusterLog } = await setUp({ insecure: true, port: 5_000 });
    clusterLog.started();
    expect(log.lines.slice(1)).toEqual([expect.stringMatching(/^warn Connections are plaintext/)]);
  });

  it('is one with a secret', async () => {
    const { clusterLog } = await setUp({ secret: 'a secret of some length', port: 5_000, cluster: 'blue' });
    clusterLog.started();
    expect(log.lines).toEqual([
      expect.stringMatching(
        /^log app@127\.0\.0\.1:5000 listens on 127\.0\.0\.1:5000, in cluster "blue", encrypted, members know the secret [0-9a-f]{6} \(fingerprint/,
      ),
    ]);
  });
});

describe('a change of peers', () => {
  it('is one line that says why', async () => {
    const { mesh } = await setUp();
    const peer = mesh.join('b@h');
    const other = mesh.join('c@h');
    mesh.say({ type: 'peer.degraded', peer, lagMs: 1_234 });
    mesh.say({ type: 'peer.recovered', peer, lagMs: 0 });
    mesh.lose('c@h', 'left');
    mesh.lose('b@h', 'replaced');
    mesh.say({ type: 'peer.up', peer, returnedAfterMs: 13_200 });
    const id = peer.bootId.slice(0, 8);
    expect(log.lines.map((line) => line.replace(other.bootId.slice(0, 8), '<c>').replace(id, '<b>'))).toEqual(
      [
        'log peer.up b@h <b>, 1 peer now: new process',
        'log peer.up c@h <c>, 2 peers now: new process',
        'log peer.degraded b@h <b>, 2 peers now: its event loop is blocked, for 1.2 s so far',
        'log peer.recovered b@h <b>, 2 peers now: its event loop runs again',
        'log peer.down (left) c@h <c>, 1 peer now: it said goodbye',
        'warn peer.down (replaced) b@h <b>, 0 peers now: another process answers at its name',
        'log peer.up b@h <b>, 1 peer now: same process, back after 13.2 s',
      ],
    );
  });

  it('says what it rests on, and how many are left when several end at once', async () => {
    const { mesh } = await setUp();
    const peer = mesh.join('b@h');
    for (const name of ['c@h', 'd@h', 'e@h']) mesh.join(name);
    log.lines.length = 0;
    const closed = {
      ...noEvidence,
      closed: 'ECONNRESET',
      redial: { code: 'CONNECTION_REFUSED' as const, message: '' },
    };
    mesh.say({ type: 'peer.down', peer, reason: 'closed', evidence: closed });
    const asked = [{ name: 'c@h', answer: 'does not hear it' as const }];
    const silent = { ...noEvidence, silentMs: 4_210, probes: { sent: 30, answered: 0 }, asked };
    mesh.say({ type: 'peer.down', peer, reason: 'timeout', evidence: silent });
    mesh.say({ type: 'peer.down', peer, reason: 'timeout', evidence: { ...silent, unheardMs: 4_020 } });
    const heard = [{ name: 'c@h', answer: 'hears it' as const }];
    mesh.say({ type: 'peer.down', peer, reason: 'timeout', evidence: { ...silent, asked: heard } });
    const id = peer.bootId.slice(0, 8);
    const told = log.lines.map((line) => line.replace(id, '<b>').replace(/; that makes \d ends .*/, ''));
    expect(told).toEqual([
      'warn peer.down (closed) b@h <b>, 3 peers now: its connection ended (ECONNRESET) and dialling it again failed (CONNECTION_REFUSED): the process ended without a goodbye (a crash, a kill, or an app without shutdown hooks)',
      'warn peer.down (timeout) b@h <b>, 2 peers now: silent for 4.2 s, 0 of 30 probes answered; asked: c@h does not hear it',
      'warn peer.down (timeout) b@h <b>, 1 peer now: it has not heard us for 4.0 s, 0 of 30 probes answered; asked: c@h does not hear it',
      'warn peer.down (timeout) b@h <b>, 0 peers now: silent for 4.2 s, 0 of 30 probes answered; asked: c@h hears it: it lives, the path between us is cut',
    ]);
  });

  it('says how often a name has ended lately: a process that crashes after each start', async () => {
    const { mesh } = await setUp();
    for (let i = 0; i < 3; i++) {
      mesh.join('b@h');
      mesh.lose('b@h', 'closed');
    }
    mesh.join('b@h');
    mesh.lose('b@h', 'left');
    const downs = log.matching('peer.down');
    expect(downs.map((line) => / ends of this name/.test(line))).toEqual([false, false, true, false]);
    expect(downs[2]).toMatch(/; that makes 3 ends of this name in 0\.0 s$/);
  });

  it('does not say how a process ended that was told by its silence: its port never took a connection from here', async () => {
    const { mesh } = await setUp();
    const redial = { code: 'CONNECTION_REFUSED' as const, message: '' };
    const evidence = { ...noEvidence, closed: 'EOF', redial, countedMs: 4_001, deadlineMs: 4_000 };
    mesh.say({ type: 'peer.down', peer: mesh.join('b@h'), reason: 'closed', evidence });
    expect(log.lines.at(-1)).toMatch(
      /dialling it again failed \(CONNECTION_REFUSED\), nothing came for 4\.0 s$/,
    );
  });

  it('does not blame shutdown hooks for a process that was killed during its shutdown', async () => {
    const { mesh } = await setUp();
    const peer = { ...mesh.join('b@h'), status: 'leaving' as const };
    const redial = { code: 'CONNECTION_REFUSED' as const, message: '' };
    mesh.say({
      type: 'peer.down',
      peer,
      reason: 'closed',
      evidence: { ...noEvidence, closed: 'EOF', redial },
    });
    expect(log.lines.at(-1)).toMatch(/it was shutting down, and ended before it had said goodbye \(killed/);
  });
});

describe('failures of providers', () => {
  it('are told once each, and their end', async () => {
    const { hub } = await setUp();
    hub.emit({ type: 'provider.failed', provider: 'dns', error: new Error('SERVFAIL') });
    hub.emit({ type: 'provider.recovered', provider: 'dns', failedForMs: 63_000 });
    expect(log.lines).toEqual([
      'warn Provider dns failed: SERVFAIL',
      'log Provider dns works again; it had failed for 1 min',
    ]);
  });
});

describe('refusals', () => {
  let now = 0;
  const warn = recorder<string>();
  const refusal = (overrides: Partial<RefusedEvent> = {}): RefusedEvent => ({
    type: 'peer.refused',
    address: '10.0.0.7:51234',
    code: 'WRONG_SECRET',
    message: 'its key is another one',
    direction: 'inbound',
    ...overrides,
  });
  beforeEach(() => {
    now = 0;
    warn.heard.length = 0;
  });

  it('get one line for each code and host, and while they go on one every ten minutes, with their number', () => {
    const refusals = new RefusalLog(warn, () => now);
    for (let port = 1; port <= 40; port++) refusals.log(refusal({ address: `10.0.0.7:${port}` }));
    refusals.log(refusal({ code: 'WRONG_CLUSTER' }));
    refusals.log(refusal({ direction: 'outbound', name: 'b@h', address: '10.0.0.8:4370' }));
    expect(warn.heard).toEqual([
      'Refused the call of 10.0.0.7:1: WRONG_SECRET (its key is another one)',
      'Refused the call of 10.0.0.7:51234: WRONG_CLUSTER (its key is another one)',
      'No connection to b@h at 10.0.0.8:4370: WRONG_SECRET (its key is another one)',
    ]);
    warn.heard.length = 0;
    for (now = 5_000; now < 30 * 60_000; now += 5_000) refusals.log(refusal());
    const line = 'Refused the call of 10.0.0.7:51234: WRONG_SECRET (its key is another one)';
    expect(warn.heard).toEqual([
      `${line}. It goes on: 159 times in 10 min`,
      `${line}. It goes on: 120 times in 10 min`,
    ]);
  });

  it('are none where the caller gave up, of which one is told of all that did', () => {
    const refusals = new RefusalLog(warn, () => now);
    for (const host of ['10.0.0.7', '10.0.0.8', '10.0.0.9'])
      refusals.log(
        refusal({ code: 'CONNECTION_LOST', message: 'The caller went away.', address: `${host}:1` }),
      );
    expect(warn.heard).toEqual([
      'The call of 10.0.0.7:1 came to nothing: CONNECTION_LOST (The caller went away.)',
    ]);
  });

  it('are none where this node stood still, which it says already', () => {
    const message = ownFault('HANDSHAKE_TIMEOUT', STOOD_STILL, 10_000)!;
    new RefusalLog(warn, () => now).log(refusal({ code: 'HANDSHAKE_TIMEOUT', message }));
    expect(warn.heard).toEqual([]);
  });

  it('are news again when they had been over', () => {
    const refusals = new RefusalLog(warn, () => now);
    refusals.log(refusal());
    now = 50_000;
    refusals.log(refusal());
    now = 110_000;
    refusals.log(refusal());
    expect(warn.heard).toEqual([
      'Refused the call of 10.0.0.7:51234: WRONG_SECRET (its key is another one)',
      'Refused the call of 10.0.0.7:51234: WRONG_SECRET (its key is another one)',
    ]);
  });

  it('stay on one line, whatever a stranger calls itself', () => {
    new RefusalLog(warn, () => now).log(
      refusal({ name: 'evil\n[Nest] all is well\u001b[2J', message: 'a\r\nb' }),
    );
    expect(warn.heard).toEqual([
      'Refused the call of evil [Nest] all is well [2J at 10.0.0.7:51234: WRONG_SECRET (a b)',
    ]);
  });

  it('do not flood the log from many hosts', () => {
    const refusals = new RefusalLog(warn, () => now);
    for (let i = 0; i < 1_000; i++) refusals.log(refusal({ address: `[2001:db8::${i.toString(16)}]:1` }));
    expect(warn.heard).toHaveLength(20);
    now = 60_000;
    refusals.log(refusal());
    expect(warn.heard.slice(20)).toEqual([
      '980 refusals of other kinds or addresses were not logged.',
      'Refused the call of 10.0.0.7:51234: WRONG_SECRET (its key is another one)',
    ]);
  });

  it('are logged when they happen', async () => {
    const { mesh } = await setUp();
    mesh.say(refusal());
    mesh.say(refusal());
    expect(log.lines).toEqual([
      'warn Refused the call of 10.0.0.7:51234: WRONG_SECRET (its key is another one)',
    ]);
  });
});
