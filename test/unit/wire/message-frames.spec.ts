import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertMessage, MAX_TOPIC } from '../../../lib/wire/message-frames.js';
import { FrameKind } from '../../../lib/wire/frames.js';

const topic = fc.string({ minLength: 1, maxLength: MAX_TOPIC });
const id = fc.maxSafeInteger();
const data = fc.anything();
const ANSWERS = [FrameKind.reply, FrameKind.error];

describe('the body of a message frame', () => {
  it('is taken, whatever the app says in it', () => {
    fc.assert(
      fc.property(topic, id, data, (theTopic, theId, anything) => {
        assertMessage(FrameKind.event, [theTopic, anything]);
        assertMessage(FrameKind.request, [theId, theTopic, anything, anything]);
        for (const kind of ANSWERS) assertMessage(kind, [theId, anything]);
      }),
    );
  });

  it.each([
    ['a text', 'x'],
    ['nothing', undefined],
    ['an id that is a BigInt', [1n, 'topic', 1]],
    ['an id that is an object', [{}, 'topic', 1]],
    ['an id that is no integer', [0.5, 'topic', 1]],
    ['no id', []],
  ])('of a request or an answer is malformed: %s', (_what, body) => {
    for (const kind of [FrameKind.request, ...ANSWERS])
      expect(() => assertMessage(kind, body)).toThrow(expect.objectContaining({ code: 'MALFORMED_FRAME' }));
  });

  it.each([
    ['no topic', []],
    ['a topic that is a number', [1, 'data']],
    ['an empty topic', ['']],
    ['a long topic', ['x'.repeat(MAX_TOPIC + 1)]],
  ])('of an event or a request is malformed: %s', (_what, body) => {
    const check = (kind: number, whole: unknown) => () => assertMessage(kind, whole);
    for (const refused of [check(FrameKind.event, body), check(FrameKind.request, [1, ...body])])
      expect(refused).toThrow(expect.objectContaining({ code: 'MALFORMED_FRAME' }));
  });
});
