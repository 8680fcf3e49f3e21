import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterEvent } from '../../../lib/index.js';
import { thrownBy } from '../../support/errors.js';
import { FakeNetwork } from '../../support/mesh/fake-mesh.js';
import type { FakeApp } from '../../support/apps/nest-app.js';
import { fakeApp } from '../../support/apps/nest-app.js';
import { deferred, recorder } from '../../support/recorder.js';

describe('ClusterService', () => {
  let apps: FakeApp[] = [];
  const network = () => new FakeNetwork();

  async function start(options: Parameters<typeof fakeApp>[0] = {}): Promise<FakeApp> {
    const app = await fakeApp(options);
    apps.push(app);
    await app.module.init();
    return app;
  }

  /** Two nodes of one network that know nothing of each other. */
  async function pair() {
    const shared = network();
    const a = await start({ network: shared, peerage: { name: 'a@127.0.0.1:4001' } });
    const b = await start({ network: shared, peerage: { name: 'b@127.0.0.1:4002' } });
    return { a, b };
  }

  afterEach(async () => {
    await Promise.all(apps.map(({ module }) => module.close()));
    apps = [];
  });

  it('connects, knows its peer by name and boot id, and disconnects', async () => {
    const { a, b } = await pair();
    const peer = await a.cluster.connect('b@127.0.0.1:4002');
    expect(peer).toMatchObject({ name: 'b@127.0.0.1:4002', bootId: b.cluster.self.bootId, status: 'up' });
    expect(a.cluster.peer('b@127.0.0.1:4002')).toEqual(peer);
    expect(a.cluster.peer(b.cluster.self.bootId)).toEqual(peer);
    expect(a.cluster.peer('c@h')).toBeUndefined();
    expect(a.cluster.peer('not@@a name')).toBeUndefined();
    expect(b.cluster.peers.map(({ name }) => name)).toEqual(['a@127.0.0.1:4001']);
    await a.cluster.disconnect('b@127.0.0.1:4002');
    expect(a.cluster.peers).toEqual([]);
    expect(b.cluster.peers).toEqual([]);
  });

  it('takes names in any form, and refuses what is none', async () => {
    const app = await start();
    const peer = app.mesh.join('b@h');
    expect(app.cluster.peer('b@H:4370')).toEqual(peer);
    for (const act of [
      () => app.cluster.connect('nonsense'),
      () => app.cluster.disconnect(''),
      () => app.cluster.explain('x'),
    ])
      expect(await thrownBy(act)).toMatchObject({ code: 'INVALID_NAME' });
  });

  it('tells peers of its meta', async () => {
    const { a, b } = await pair();
    await a.cluster.connect('b@127.0.0.1:4002');
    const updates = recorder<ClusterEvent>();
    b.cluster.on('peer.updated', updates);
    a.cluster.setMeta({ zone: 'x' });
    expect(a.cluster.self.meta).toEqual({ zone: 'x' });
    expect(updates.heard).toMatchObject([{ peer: { meta: { zone: 'x' } }, previous: { meta: {} } }]);
  });

  it('keeps its meta to itself, whatever becomes of the object it was given', async () => {
    const { cluster } = await start();
    const meta = { tags: ['a'] };
    cluster.setMeta(meta);
    meta.tags.push('b');
    expect(cluster.self.meta).toEqual({ tags: ['a'] });
  });

  it('refuses meta that is too large or no plain data', async () => {
    const { cluster } = await start();
    const large = await thrownBy(() => cluster.setMeta({ text: 'x'.repeat(5_000) }));
    expect(large).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('4096 are allowed'),
    });
    const impure = await thrownBy(() => cluster.setMeta({ at: new Date() }));
    expect(impure.message).toContain('setMeta(): meta.at: a Date');
    expect(cluster.self.meta).toEqual({});
  });

  it('polls when it is asked to, with a report', async () => {
    const shared = network();
    await start({ network: shared, peerage: { name: 'b@127.0.0.1:4002' } });
    const a = await start({
      network: shared,
      peerage: { name: 'a@127.0.0.1:4001', via: () => ['b@127.0.0.1:4002'], syncOffsetMs: 60_000 },
    });
    const reports = recorder<ClusterEvent>();
    a.cluster.on('poll', reports);
    const report = await a.cluster.poll();
    expect(report.live).toEqual(['a@127.0.0.1:4001', 'b@127.0.0.1:4002']);
    expect(reports.heard).toMatchObject([{ type: 'poll', report, at: expect.any(Date) }]);
  });

  it('says of a provider that it failed, and that it is back', async () => {
    const answers: (() => string[])[] = [];
    const app = await start({
      peerage: { via: { name: 'registry', poll: () => answers.shift()!() }, syncOffsetMs: 60_000 },
    });
    const events = recorder<ClusterEvent>();
    app.cluster.events$.subscribe(events);
    answers.push(
      () => {
        throw new Error('away');
      },
      () => [],
    );
    await app.cluster.poll();
    await app.cluster.poll();
    expect(events.heard.map(({ type }) => type)).toEqual([
      'provider.failed',
      'poll',
      'provider.recovered',
      'poll',
    ]);
    expect(app.log.matching('registry')).toEqual([
      'warn Provider registry failed: away',
      expect.stringMatching(/^debug Polled registry/),
      expect.stringMatching(/^log Provider registry works again; it had failed for \d/),
    ]);
  });

  it('waits for peers', async () => {
    const app = await start();
    const waiting = app.cluster.waitFor(1);
    const peer = app.mesh.join('b@h');
    expect(await waiting).toEqual([peer]);
    for (const count of [-1, 1.5, '1' as never])
      expect(await thrownBy(() => app.cluster.waitFor(count))).toMatchObject({ code: 'INVALID_OPTIONS' });
  });

  it('rejects what comes before the start, and after the end', async () => {
    const app = await fakeApp();
    const acts = [
      () => app.cluster.connect('b@h'),
      () => app.cluster.disconnect('b@h'),
      () => app.cluster.poll(),
      () => app.cluster.waitFor(0),
    ];
    for (const act of acts) expect(await thrownBy(act)).toMatchObject({ code: 'NOT_RUNNING' });
    expect((await thrownBy(acts[0]!)).message).toContain('came too early');
    app.cluster.setMeta({ early: true });
    expect(app.cluster.self.meta).toEqual({ early: true });
    await app.module.init();
    await app.cluster.waitFor(0);
    await app.module.close();
    for (const act of acts) expect(await thrownBy(act)).toMatchObject({ code: 'NOT_RUNNING' });
    expect((await thrownBy(acts[0]!)).message).toContain('came too late');
    expect(app.cluster.explain().self).toEqual(app.cluster.self);
  });

  it('ends its observables, waits and polls with the app', async () => {
    const answer = deferred<string[]>();
    const app = await start({ peerage: { via: () => answer.promise, syncOffsetMs: 60_000 } });
    const ends = recorder<string>();
    app.cluster.peers$.subscribe({ complete: () => ends('peers$') });
    app.cluster.events$.subscribe({ complete: () => ends('events$') });
    const waiting = thrownBy(() => app.cluster.waitFor(1));
    const polling = thrownBy(() => app.cluster.poll());
    await app.module.close();
    expect(ends.heard).toEqual(['peers$', 'events$']);
    expect(await waiting).toMatchObject({ code: 'ABORTED' });
    expect(await polling).toMatchObject({ code: 'ABORTED' });
  });
});
