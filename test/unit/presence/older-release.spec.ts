import { afterEach, expect, it } from 'vitest';
import { Presence } from '../../../lib/presence/presence.service.js';
import { MessageWorld } from '../../support/mesh/message-world.js';
import { settings } from '../../support/peerage-settings.js';

let world: MessageWorld;
afterEach(() => world.stop());

it('does no harm to a node of a release without presence, and waits for nothing of it', async () => {
  world = new MessageWorld();
  const [ours, older] = await Promise.all([world.node(), world.node()]);
  const presence = new Presence(ours.mesh, world.clock, settings(), ours.messaging);
  for (const node of [ours, older]) await node.mesh.start();
  await world.settled(ours.mesh.connect(older.mesh.self.name));
  const entry = presence.of('rooms').track('lobby', {});
  await world.until(() => presence.knowsAll);
  expect(presence.knows(older.mesh.self.bootId)).toBe(true);
  entry.untrack();
  await world.pass(60_000);
  expect(older.mesh.peers).toHaveLength(1);
  expect(older.warnings).toEqual([]);
  expect(older.errors).toEqual([]);
  expect(older.messaging.notes()).toEqual([]);
});
