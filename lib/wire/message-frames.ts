import { PeerageError } from '../errors/peerage-error.js';
import { FrameKind } from './frames.js';

/** Longer topics are refused. */
export const MAX_TOPIC = 255;

export type EventBody = readonly [topic: string, data: unknown, trace?: unknown];
export type RequestBody = readonly [id: number, topic: string, data: unknown, trace?: unknown];
/** The parts of an answer are numbered from 1 on. */
export type NextBody = readonly [id: number, sequence: number, value: unknown];
/** `sequence`: of a value that ends an answer in several parts. A value without it ends any answer. */
export type ReplyBody = readonly [id: number, value: unknown, sequence?: number];
export type ErrorBody = readonly [id: number, failure: unknown];
export type CancelBody = readonly [id: number];
/** Of `keepAlive` and `unknown`. */
export type IdsBody = readonly number[];

export type MessageBody = EventBody | RequestBody | NextBody | ReplyBody | ErrorBody | CancelBody | IdsBody;

/** What the parts of a message are called in errors. */
export const PART_NAMES: Readonly<Record<number, readonly string[]>> = {
  [FrameKind.event]: ['topic', 'data', 'trace'],
  [FrameKind.request]: ['id', 'topic', 'data', 'trace'],
  [FrameKind.next]: ['id', 'sequence', 'data'],
  [FrameKind.reply]: ['id', 'data', 'sequence'],
  [FrameKind.error]: ['id', 'error'],
  [FrameKind.cancel]: ['id'],
  [FrameKind.keepAlive]: [],
  [FrameKind.unknown]: [],
};

/** Whether frames of this kind are messages of apps to each other, or belong to their requests. */
export function isMessage(kind: number): boolean {
  return (
    (kind >= FrameKind.event && kind <= FrameKind.error) ||
    (kind >= FrameKind.next && kind <= FrameKind.unknown)
  );
}

/** Whether messages of this kind keep requests going, take nobody's time, and so need no room. */
export function needsNoRoom(kind: number): boolean {
  return kind !== FrameKind.event && kind !== FrameKind.request;
}

/**
 * Checks the body of a message frame that came over the wire, but for what the apps say in it.
 *
 * @throws PeerageError `MALFORMED_FRAME`
 */
export function assertMessage(kind: number, body: unknown): asserts body is MessageBody {
  if (!Array.isArray(body)) throw malformed('it is no list');
  const [first, second, third] = body as readonly unknown[];
  switch (kind) {
    case FrameKind.event:
      return assertTopic(first);
    case FrameKind.request:
      assertInteger(first, 'id');
      return assertTopic(second);
    case FrameKind.next:
      assertInteger(first, 'id');
      return assertInteger(second, 'sequence');
    case FrameKind.reply:
      assertInteger(first, 'id');
      if (third !== undefined) assertInteger(third, 'sequence');
      return;
    case FrameKind.keepAlive:
    case FrameKind.unknown:
      for (const id of body) assertInteger(id, 'id');
      return;
    default:
      assertInteger(first, 'id');
  }
}

export function isTopic(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TOPIC;
}

function assertInteger(value: unknown, what: string): void {
  if (!Number.isSafeInteger(value)) throw malformed(`its ${what} is no integer`);
}

function assertTopic(value: unknown): void {
  if (!isTopic(value)) throw malformed('its topic is no short text');
}

function malformed(what: string): PeerageError {
  return new PeerageError('MALFORMED_FRAME', `A message is malformed: ${what}.`);
}
