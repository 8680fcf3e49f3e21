import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { NodeViews } from '../../../lib/cluster/view/node-views.js';
import { ClusterWatch } from '../../../lib/dashboard/cluster-watch.js';
import { PeerageDashboardModule } from '../../../lib/dashboard/dashboard.module.js';
import type { Snapshot } from '../../../lib/dashboard/snapshot.types.js';
import { PeerageModule } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import type { TestNode } from '../../../lib/testing/index.js';

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
