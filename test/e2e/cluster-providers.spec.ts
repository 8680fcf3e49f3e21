import { afterEach, describe, expect, it } from 'vitest';
import type { Trouble } from '../programs/node-config.js';
import { Cluster, freePorts, fullMesh, nameOn, onLoopback } from '../support/processes/cluster.js';

const POLLS = { intervalMs: 100, limits: { pollMs: 200 } };

const cluster = new Cluster();
afterEach(() => cluster.stop());

describe('a provider whose poll', () => {
  const troubles: [Trouble, string | undefined][] = [
    ['throws', 'the source is broken'],
    ['rejects', 'the source is broken'],
    ['hangs', 'did not answer within 200 ms'],
    ['nonsense', undefined],
  ];

  it.each(troubles)(
    '%s takes nothing from what is known, and disturbs no other provider',
    async (trouble, why) => {
      const [own = 0, known = 0, listed = 0] = await freePorts(3);
      const others = await Promise.all([known, listed].map((port) => cluster.start(onLoopback(port))));
      const node = await cluster.start(
        onLoopback(own, {
          ...POLLS,
          via: [{ trouble, names: [nameOn(known)] }, { list: [nameOn(listed)] }],
        }),
      );
      await fullMesh([node, ...others]);
      const polls = () => node.ofType('poll').length;
      const before = polls();
      await expect.poll(polls, { timeout: 10_000 }).toBeGreaterThan(before + 5);
      const failures = node.ofType('provider.failed');
      if (why === undefined) {
        expect(failures).toEqual([]);
        expect(node.ofType('poll').at(-1)?.report.providers[0]?.invalid).toContain('a@b@c');
      } else {
        expect(failures).toHaveLength(1);
        expect(failures[0]).toMatchObject({ provider: `trouble:${trouble}` });
        expect(failures[0]!.error.message).toContain(why);
        expect(node.log.filter((line) => line.includes('failed') && line.includes(why))).toHaveLength(1);
        expect(node.ofType('poll').at(-1)?.report.providers[0]?.names).toEqual([nameOn(known)]);
      }
      expect(node.ofType('peer.down')).toEqual([]);
      expect(await node.run('peers')).toHaveLength(2);
      // It does not keep the process from ending, either.
      await node.run('close');
      expect(await node.program.ended).toEqual({ code: 0, signal: null });
    },
  );
});

describe('a provider whose serve crashes', () => {
  it('is started again after a pause, and what it knew stands', async () => {
    const ports = await freePorts(4);
    const [own = 0, ...others] = ports;
    const nodes = await Promise.all(others.map((port) => cluster.start(onLoopback(port))));
    const names = others.map((port) => nameOn(port));
    const node = await cluster.start(onLoopback(own, { via: [{ trouble: 'serve-crashes', names }] }));
    // Each run tells of one more.
    await Promise.all(
      nodes.map((other) =>
        node.event('peer.up', ({ peer }) => peer.bootId === other.bootId, { timeoutMs: 30_000 }),
      ),
    );
    await fullMesh([node, ...nodes]);
    expect(node.ofType('provider.failed')).toHaveLength(1);
    expect(node.ofType('provider.failed')[0]!.error.message).toBe('crash 1');
    // 250 ms, then 500 ms, a fifth more or less, and 50 ms of each run.
    const heardAt = node.ofType('peer.up').map(({ atMs }) => atMs);
    expect(heardAt.at(-1)! - heardAt[0]!).toBeGreaterThan(400);
    expect(node.ofType('peer.down')).toEqual([]);
    expect(node.ofType('provider.recovered')).toEqual([]);
  });
});
