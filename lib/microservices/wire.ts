import { PeerageError, type PeerageErrorCode } from '../errors/peerage-error.js';

/**
 * The topics on which clients and servers talk. Not for apps. Those with two `$` are sent and handled whatever else
 * waits, as answers are.
 */
export const TOPICS = {
  /** Client to server: a `RequestBody`, or a mark: a number that the server sends back when it has come to it. */
  request: '$microservices.request',
  /** Server to client: a `ResponseBody`, or a mark that has come back. */
  response: '$$microservices.response',
  /** Client to server: the id of a request whose response nobody wants any more. */
  cancel: '$$microservices.cancel',
  /** Client to server: ids of old requests, answered with those that it is still at work on. */
  roll: '$$microservices.roll',
  /** Client to server: a serialised packet. */
  event: '$microservices.event',
} as const;

/** The id is unique on the node of the client. */
export type RequestBody = readonly [id: number, packet: unknown];

/** The packets of one response are numbered from 1 on; `FAILURE` or `OWN_FAILURE` may come at any time and is the last. */
export type ResponseBody = readonly [id: number, sequence: number, packet: unknown];

export const FAILURE = 0;

/** As `FAILURE`, of the transport itself: the packet is an `OwnFailure`, whatever the serialisers are. */
export const OWN_FAILURE = -1;

/** A `PeerageError` as it travels. */
interface OwnFailure {
  readonly code: PeerageErrorCode;
  readonly message: string;
  /** No handler has had the request, or will. */
  readonly untouched?: true;
}

export function ownFailure({ code, message }: PeerageError, untouched = false): OwnFailure {
  return untouched ? { code, message, untouched } : { code, message };
}

/** Whether a failure says that no handler has had the request. */
export function saysUntouched(failure: unknown): boolean {
  return (failure as Partial<OwnFailure> | null | undefined)?.untouched === true;
}

/** The error that the client gets. */
export function errorOfOwn(failure: unknown): PeerageError {
  const { code, message } = (failure ?? {}) as Readonly<Partial<Record<keyof OwnFailure, unknown>>>;
  const isOurs = typeof code === 'string' && typeof message === 'string';
  if (isOurs) return new PeerageError(code as PeerageErrorCode, message);
  return new PeerageError(
    'MALFORMED_FRAME',
    'The server failed, and what it said of it is no error of ours.',
  );
}

export function isRequest(body: unknown): body is RequestBody {
  return Array.isArray(body) && body.length === 2 && Number.isInteger(body[0]);
}

export function isMark(body: unknown): body is number {
  return typeof body === 'number';
}

export function isResponse(body: unknown): body is ResponseBody {
  return Array.isArray(body) && body.length === 3 && Number.isInteger(body[0]) && Number.isInteger(body[1]);
}

/** The ids of a list; what else is in it is left out. */
export function idsOf(body: unknown): number[] {
  return Array.isArray(body) ? body.filter((item) => typeof item === 'number') : [];
}

/** How often a client asks after its old requests, in milliseconds. */
export const ROLL_CALL_MS = 5_000;
