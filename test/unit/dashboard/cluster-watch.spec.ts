import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Subject } from 'rxjs';
import { afterEach, describe, expect, it } from 'vitest';
import { NodeViews } from '../../../lib/cluster/view/node-views.js';
import { ClusterWatch } from '../../../lib/dashboard/cluster-watch.js';
import { PeerageDashboardModule } from '../../../lib/dashboard/dashboard.module.js';
import type { Snapshot } from '../../../lib/dashboard/snapshot.types.js';
import type { Told } from '../../../lib/dashboard/told.js';
import { type ClusterService, PeerageModule } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { whole } from './told-nodes.js';

@Module({ imports: [PeerageModule.forRoot({ appName: 'app', meta: { token: 'for other nodes only' } })] })
class Plain {}

@Module({ imports: [PeerageModule.forRoot({ appName: 'app' }), PeerageDashboardModule.forRoot()] })
class Serving {}

let cluster: TestCluster | undefined;
let stopWatching: (() => void) | undefined;
afterEach(async () => {
  stopWatching?.();
  await cluster?.stop();
  cluster = undefined;
});

/** The first node serves the page; `older` nodes run a release that knows nothing of views. */
async function start(count: number, older: readonly number[] = []): Promise<readonly TestNode[]> {
  const made = await TestCluster.start(count, (i) => {
    const builder = Test.createTestingModule({ imports: [i === 0 ? Serving : Plain] });
    return older.includes(i) ? builder.overrideProvider(NodeViews).useValue({}) : builder;
  });
  cluster = made;
  return made.nodes;
}

/** Opens a page, and returns what it was told last. */
function watch(node: TestNode): () => Snapshot {
  let last: Snapshot | undefined;
  stopWatching = node.get(ClusterWatch).watch((snapshot) => (last = snapshot));
  return () => last!;
}

async function untilMatrix(seen: () => Snapshot | undefined, matrix: readonly string[]): Promise<void> {
  await cluster!.until(() => seen()?.matrix.join() === matrix.join());
}

describe('the watch over a cluster', () => {
  it('hears from every node what it sees, of those too that do not import the dashboard', async () => {
    const [a] = await start(3);
    const seen = watch(a!);
    await untilMatrix(seen, ['suu', 'usu', 'uus']);
    expect(seen().findings).toEqual([]);
    expect(seen().nodes.map(({ state, sees, seenBy }) => [state, sees, seenBy])).toEqual(
      Array.from({ length: 3 }, () => ['up', 2, 2]),
    );
  });

  it('asks nobody when nobody looks', async () => {
    const [a, b] = await start(2);
    let asked = 0;
    const { answer } = NodeViews.prototype as unknown as { answer: () => unknown };
    const views = b!.get(NodeViews) as unknown as { answer: (...args: unknown[]) => unknown };
    views.answer = (...args) => {
      asked += 1;
      return answer.apply(views, args as []);
    };
    await cluster!.advance(30_000);
    expect(asked).toBe(0);
    watch(a!);
    await cluster!.advance(10_000);
    expect(asked).toBeGreaterThanOrEqual(5);
    stopWatching!();
    await cluster!.settle();
    asked = 0;
    await cluster!.advance(30_000);
    expect(asked).toBe(0);
  });

  it('shows a node of an older release as one that does not tell, and what the others say of it', async () => {
    const [a] = await start(3, [1]);
    const seen = watch(a!);
    await untilMatrix(seen, ['suu', '?s?', 'uus']);
    expect(seen().nodes[1]).toMatchObject({ state: 'untold', seenBy: 2 });
  });

  it('shows both sides of a cut, since a third node asks the one that it does not see', async () => {
    const [a, b, c] = await start(3);
    const seen = watch(a!);
    await untilMatrix(seen, ['suu', 'usu', 'uus']);
    cluster!.cut(a!, b!);
    await untilMatrix(seen, ['sxu', 'xsu', 'uus']);
    expect(seen().findings[0]?.text).toBe(
      `${a!.name} and ${b!.name} do not see each other, though ${c!.name} sees both: the path between them is cut.`,
    );
    const down = seen().timeline.find(({ text }) => text === `${b!.name} is down (timeout)`);
    expect(down?.voices[0]?.why).toContain(`${c!.name} hears it`);
    cluster!.heal();
    await untilMatrix(seen, ['suu', 'usu', 'uus']);
  });

  it('says how a node went, and forgets it after a while', async () => {
    const [a, b, c] = await start(3);
    const seen = watch(a!);
    await untilMatrix(seen, ['suu', 'usu', 'uus']);
    await b!.kill();
    await untilMatrix(seen, ['s-u', '-s-', 'u-s']);
    expect(seen().nodes[1]).toMatchObject({ name: b!.name, state: 'gone' });
    await c!.close();
    await cluster!.until(() => seen().nodes.some(({ name, state }) => name === c!.name && state === 'gone'));
    await cluster!.advance(90_000);
    expect(seen().nodes.map(({ name }) => name)).toEqual([a!.name]);
    expect(seen().timeline.map(({ text }) => text)).toEqual(
      expect.arrayContaining([`${b!.name} is down (closed)`, `${c!.name} is down (left)`]),
    );
  });

  it('asks every node what it knows of a name', async () => {
    const [a, b] = await start(3, [2]);
    const told = await a!.get(ClusterWatch).explain(b!.name);
    expect(told.map(({ answer }) => (typeof answer === 'string' ? answer : answer.state))).toEqual([
      'peer',
      'self',
      'It gives no answer: NO_HANDLER',
    ]);
    expect(JSON.stringify(told)).not.toContain('for other nodes only');
  });
});

it('asks a large cluster rarely, and out of turn when a node has come or gone', async () => {
  const clock = new VirtualClock();
  const [self, ...peers] = whole(...Array.from({ length: 61 }, (_, i) => `app@10.0.0.${i + 1}`));
  const events$ = new Subject<{ type: string }>();
  let asked = 0;
  const views = {
    own: () => self!.view,
    ask: ({ bootId }: Told) => {
      asked += 1;
      return Promise.resolve(peers.find((peer) => peer.bootId === bootId)!.view);
    },
  };
  const fake = { clock, self, peers, events$ } as unknown as ClusterService;
  stopWatching = new ClusterWatch(fake, views as unknown as NodeViews).watch(() => {});
  // From the second round on it knows how many there are: 3.55 s between two rounds.
  await clock.advanceAsync(2_100);
  expect(asked).toBe(120);
  events$.next({ type: 'peer.down' });
  events$.next({ type: 'peer.down' });
  await clock.advanceAsync(1_800);
  expect(asked).toBe(120);
  await clock.advanceAsync(200);
  expect(asked).toBe(180);
  await clock.advanceAsync(3_400);
  expect(asked).toBe(180);
  await clock.advanceAsync(200);
  expect(asked).toBe(240);
});
