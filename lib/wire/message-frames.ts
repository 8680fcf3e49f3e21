import { PeerageError } from '../errors/peerage-error.js';
import { FrameKind } from './frames.js';

/** Longer topics are refused. */
export const MAX_TOPIC = 255;

export type EventBody = readonly [topic: string, data: unknown, trace?: unknown];
export type RequestBody = readonly [id: number, topic: string, data: unknown, trace?: unknown];
/** Of a reply the value, of an error the failure. */
export type AnswerBody = readonly [id: number, outcome: unknown];

export type MessageBody = EventBody | RequestBody | AnswerBody;

/**
 * Checks the body of a message frame that came over the wire, but for what the apps say in it.
 *
 * @throws PeerageError `MALFORMED_FRAME`
 */
export function assertMessage(kind: number, body: unknown): asserts body is MessageBody {
  if (!Array.isArray(body)) throw malformed('it is no list');
  const [first, second] = body as readonly unknown[];
  if (kind !== FrameKind.event && !Number.isSafeInteger(first)) throw malformed('its id is no integer');
  const topic = kind === FrameKind.event ? first : second;
  const hasTopic = kind === FrameKind.event || kind === FrameKind.request;
  if (hasTopic && !isTopic(topic)) throw malformed('its topic is no short text');
}

export function isTopic(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TOPIC;
}

function malformed(what: string): PeerageError {
  return new PeerageError('MALFORMED_FRAME', `A message is malformed: ${what}.`);
}
