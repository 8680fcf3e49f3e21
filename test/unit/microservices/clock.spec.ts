import { NEVER, finalize } from 'rxjs';
import { expect, it } from 'vitest';
import { OutgoingRequests } from '../../../lib/microservices/outgoing-requests.js';
import { Exchange } from '../../../lib/microservices/local-or-remote.js';
import { PeerageServer } from '../../../lib/microservices/peerage.server.js';
import { ROLL_CALL_MS, TOPICS } from '../../../lib/microservices/wire.js';
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
  await clock.advanceAsync(4 * ROLL_CALL_MS);
  expect(isEnded).toBe(false);
  await clock.advanceAsync(2 * ROLL_CALL_MS);
  expect(isEnded).toBe(true);
  await server.close();
  // Others have heard of it by then, or have had the time to.
  await clock.advanceAsync(2_000);
  expect(clock.pending).toBe(0);
});

it('a client asks after its requests by the clock of its cluster', async () => {
  const clock = new VirtualClock();
  const cluster = new FakeCluster('a@h', clock);
  const calls = new OutgoingRequests(new Exchange(cluster.service));
  calls.open();
  calls.ask(cluster.join('b@h'), {}, { receive: () => {}, fail: () => {} });
  await clock.advanceAsync(2 * ROLL_CALL_MS);
  expect(cluster.sentOn(TOPICS.roll)).toEqual([[1]]);
  calls.close();
  expect(clock.pending).toBe(0);
});
