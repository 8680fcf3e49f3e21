import { describeError, PeerageError } from '../errors/peerage-error.js';

/** Why a link is closed that brought something which could not be handled. */
export function faultOf(error: unknown): PeerageError {
  if (error instanceof PeerageError) return error;
  const message = `A frame could not be handled: ${describeError(error)}. Does the other side run the same release?`;
  return new PeerageError('MALFORMED_FRAME', message, { cause: error });
}
