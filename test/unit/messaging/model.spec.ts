import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { happenings, MessageModel } from '../../support/mesh/message-model.js';

describe('messages, whatever happens to the nodes and the network', () => {
  it('come at most once and in order, every promise ends once and rightly, and nothing grows beyond its bounds', async () => {
    let handled = 0;
    await fc.assert(
      fc.asyncProperty(fc.commands(happenings, { maxCommands: 60, size: 'max' }), async (commands) => {
        const model = new MessageModel();
        try {
          await model.start();
          await fc.asyncModelRun(() => ({ model: {}, real: model }), commands);
          await model.settle();
          handled += model.messages.filter(({ handledBy }) => handledBy.length > 0).length;
        } finally {
          for (const { index } of model.places) model.resume(index);
          await model.world.stop();
        }
      }),
      { numRuns: Number(process.env['MODEL_RUNS'] ?? 20), endOnFailure: false },
    );
    expect(handled).toBeGreaterThan(1_000);
  });
});
