import { Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PeerageModule } from '../../../lib/index.js';
import { TestCluster } from '../../../lib/testing/index.js';
import { CapturedLog } from '../../support/captured-log.js';

describe('the log of what lasts', () => {
  const log = new CapturedLog();
  let cluster: TestCluster | undefined;
  beforeEach(() => {
    log.lines.length = 0;
    Logger.overrideLogger(['log', 'warn', 'error']);
  });
  afterEach(async () => cluster?.stop());

  async function start(count: number) {
    const imports = [PeerageModule.forRoot({ appName: 'app' })];
    cluster = await TestCluster.start(count, () => Test.createTestingModule({ imports }).setLogger(log));
    Logger.overrideLogger(log);
    return cluster;
  }
  const alone = () => log.matching('This node is alone');

  it('warns of a node that is cut off within ten seconds, again after ten minutes, and says when it is over', async () => {
    const { nodes } = await start(3);
    const [a, ...others] = nodes;
    cluster!.partition([a!], others);
    await cluster!.until(() => a!.cluster.peers.length === 0);
    await cluster!.advance(7_000);
    expect(alone()).toEqual([]);
    await cluster!.advance(3_000);
    expect(alone()).toEqual([
      expect.stringMatching(
        /^warn This node is alone, for (8\.\d|9\.0) s now\. 2 other nodes are known \(by .*\), and none can be reached\. /,
      ),
    ]);
    expect(a!.cluster.explain().alone).toMatchObject({
      cause: expect.stringContaining('none can be reached'),
    });
    await cluster!.advance(11 * 60_000);
    expect(alone().filter((line) => line.startsWith('warn'))).toHaveLength(2);
    cluster!.heal();
    await cluster!.until(() => a!.cluster.peers.length === 2);
    expect(log.matching('alone no more')).toEqual([
      expect.stringMatching(/^log This node is alone no more: app@10\.0\.0\.[23] is there, after 11 min$/),
    ]);
    expect(a!.cluster.explain()).not.toHaveProperty('alone');
    expect(log.matching('peer.down (timeout)')[0]).toMatch(/^warn /);
    expect(log.matching('peer.up').at(-1)).toMatch(/same process, back after 11 min$/);
  });

  it('says once, and no warning, that the only node there is has no peer', async () => {
    const { nodes } = await start(1);
    await cluster!.advance(30 * 60_000);
    expect(alone()).toEqual([
      expect.stringMatching(/^log This node is alone, .* test cluster lists this node and no other\.$/),
    ]);
    expect(nodes[0]!.cluster.peers).toEqual([]);
  });

  it('tells how a node ends', async () => {
    const { nodes } = await start(2);
    await nodes[0]!.close();
    expect(log.matching('shuts down: it tells')).toEqual([
      'log This node shuts down: it tells 1 peer, and has up to 10.0 s (shutdown.drainMs) for what is under way',
    ]);
    expect(log.matching('has left the cluster')).toEqual([
      expect.stringMatching(
        /^log app@10\.0\.0\.1 has left the cluster: goodbye to 1 peer, \d\.\d s after the shutdown began$/,
      ),
    ]);
    log.lines.length = 0;
    await nodes[1]!.kill();
    expect(log.matching('has left')).toEqual([]);
  });
});
