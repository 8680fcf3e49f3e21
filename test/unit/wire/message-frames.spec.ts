import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertMessage, MAX_TOPIC } from '../../../lib/wire/message-frames.js';
import { FrameKind } from '../../../lib/wire/frames.js';

const topic = fc.string({ minLength: 1, maxLength: MAX_TOPIC });
const id = fc.maxSafeInteger();
const data = fc.anything();
/** Those whose body begins with the number of a request. */
const ANSWERS = [FrameKind.reply, FrameKind.error, FrameKind.cancel, FrameKind.next];

describe('the body of a message frame', () => {
  it('is taken, whatever the app says in it', () => {
    fc.assert(
      fc.property(topic, id, data, (theTopic, theId, anything) => {
        assertMessage(FrameKind.event, [theTopic, anything]);
        assertMessage(FrameKind.request, [theId, theTopic, anything, anything]);
        assertMessage(FrameKind.next, [theId, theId, anything]);
        assertMessage(FrameKind.reply, [theId, anything, theId]);
        for (const kind of [FrameKind.reply, FrameKind.error]) assertMessage(kind, [theId, anything]);
        for (const kind of [FrameKind.keepAlive, FrameKind.unknown]) assertMessage(kind, [theId, theId]);
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
    ['a part without a number', FrameKind.next, [1, 'x', 1]],
    ['a last part without a number', FrameKind.reply, [1, 'x', '2']],
    ['a list of odd numbers', FrameKind.keepAlive, [1, 0.5]],
    ['a list of something else', FrameKind.unknown, [1, 'x']],
  ])('is malformed: %s', (_what, kind, body) => {
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
