import { PeerageError } from '../errors/peerage-error.js';
import type { PeerageErrorCode } from '../errors/peerage-error.js';
import { RemoteError } from '../errors/remote-error.js';
import { readThrown } from '../errors/thrown.js';

/** Why a request failed, as it goes over the wire. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Of an error that the handler threw. */
  readonly name?: string;
  readonly remoteCode?: string | number;
  readonly stack?: string;
  /** No handler has had the request, or will. */
  readonly untouched?: true;
}

/** The code of what a handler threw; other codes are those of the messages themselves. */
const THROWN: PeerageErrorCode = 'REMOTE_ERROR';

/** A failure of the messages themselves, not of a handler. */
export function ownFailure({ code, message }: PeerageError, isUntouched = false): Failure {
  return isUntouched ? { code, message, untouched: true } : { code, message };
}

/** Whether a failure says that no handler has had the request. */
export function saysUntouched(failure: unknown): boolean {
  return isFailure(failure) && failure.untouched === true;
}

/** What the other side learns of an error that a handler threw. */
export function failureOf(thrown: unknown, isProduction: boolean): Failure {
  const { name, message, code, stack } = readThrown(thrown);
  return {
    code: THROWN,
    name,
    message,
    ...(code !== undefined && { remoteCode: code }),
    ...(!isProduction && stack !== undefined && { stack }),
  };
}

/**
 * The error that the caller gets.
 *
 * @throws PeerageError `MALFORMED_FRAME`
 */
export function errorOf(failure: unknown, node: string, isProduction: boolean): PeerageError {
  if (!isFailure(failure))
    throw new PeerageError('MALFORMED_FRAME', 'A reply arrived that is no error of ours.');
  const { code, message, name, remoteCode, stack } = failure;
  if (code !== THROWN) return new PeerageError(code as PeerageErrorCode, message);
  return new RemoteError(message, {
    node,
    remoteName: name ?? 'Error',
    ...(remoteCode !== undefined && { remoteCode }),
    ...(stack !== undefined && !isProduction && { remoteStack: stack }),
  });
}

function isFailure(value: unknown): value is Failure {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message, name, remoteCode, stack } = value as Record<string, unknown>;
  return (
    typeof code === 'string' &&
    typeof message === 'string' &&
    (name === undefined || typeof name === 'string') &&
    (remoteCode === undefined || typeof remoteCode === 'string' || typeof remoteCode === 'number') &&
    (stack === undefined || typeof stack === 'string')
  );
}
