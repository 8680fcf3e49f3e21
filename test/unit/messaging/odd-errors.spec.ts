import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RemoteError } from '../../../lib/errors/remote-error.js';
import { MessageWorld, type TalkingNode } from '../../support/mesh/message-world.js';
import { ODD_THROWN } from '../../support/odd-thrown.js';

let world: MessageWorld;
let a: TalkingNode;
let b: TalkingNode;

beforeEach(async () => {
  world = new MessageWorld();
  [a, b] = (await world.nodes(2)) as [TalkingNode, TalkingNode];
});
afterEach(() => world.stop());

describe.each(ODD_THROWN)('a handler that fails with %s', (_, make) => {
  const handlers: readonly (readonly [string, () => unknown])[] = [
    [
      'throws',
      () => {
        throw make();
      },
    ],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is the point
    ['rejects', () => Promise.reject(make())],
    ['gives a promise of its own kind', () => ownPromise((fail) => fail(make()))],
  ];

  it.each(handlers)('%s: a request ends with RemoteError', async (_how, handler) => {
    b.messaging.handle('t', handler);
    const error = await world.rejection(a.messaging.request(b.mesh.self.name, 't', 1));
    expect(error).toBeInstanceOf(RemoteError);
    expect((error as RemoteError).remoteName).not.toBe('');
    b.messaging.handle('well', () => 'well');
    expect(await world.settled(a.messaging.request(b.mesh.self.name, 'well', 1))).toBe('well');
  });

  it.each(handlers)('%s: a one-way message costs one line in the log', async (_how, handler) => {
    b.messaging.handle('t', handler);
    await world.settled(a.messaging.send(b.mesh.self.name, 't', 1));
    await world.until(() => b.errors.length > 0);
    await world.pass(100);
    expect(b.errors).toHaveLength(1);
    expect(b.errors[0]).toMatch(/failed on "t" from .*: ./);
  });
});

/** As some libraries make them: it can be awaited, and is no Promise. */
function ownPromise(run: (fail: (error: unknown) => void) => void): object {
  // oxlint-disable-next-line unicorn/no-thenable -- that is the point
  return { then: (_done: unknown, fail: (error: unknown) => void) => run(fail) };
}
