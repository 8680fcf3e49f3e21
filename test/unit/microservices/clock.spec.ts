import { NEVER, finalize } from 'rxjs';
import { expect, it } from 'vitest';
import { KEEP_ALIVE_MS } from '../../../lib/messaging/outgoing-requests.js';
import { PeerageServer } from '../../../lib/microservices/peerage.server.js';
import { TOPICS } from '../../../lib/microservices/wire.js';
import { FakeCluster } from '../../support/apps/fake-cluster.js';
import { VirtualClock } from '../../support/virtual-clock.js';

it('a server gives requests up by the clock of its cluster', async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster('a@h', clock);
  const server = new PeerageServer({ cluster: cluster.service });
  let isEnded = false;
  server.addHandler('never', async () => NEVER.pipe(finalize(() => (isEnded = true))));
  server.listen(() => {});
  cluster.receive(cluster.join('b@h'), TOPICS.request, [1, { pattern: 'never', data: {} }]);
  await clock.advanceAsync(4 * KEEP_ALIVE_MS);
  expect(isEnded).toBe(false);
  await clock.advanceAsync(2 * KEEP_ALIVE_MS);
  expect(isEnded).toBe(true);
  await server.close();
  // Others have heard of it by then, or have had the time to.
  await clock.advanceAsync(2_000);
  expect(clock.pending).toBe(0);
});
