/**
 * Every code a {@link PeerageError} can carry. Codes are stable; messages are for people and may change.
 *
 * @publicApi
 */
export type PeerageErrorCode =
  // start-up
  | 'INVALID_OPTIONS'
  | 'PORT_IN_USE'
  | 'CANNOT_LISTEN'
  | 'NOT_RUNNING'
  // names and providers
  | 'INVALID_NAME'
  | 'INVALID_RESULT'
  | 'PROVIDER_FAILED'
  | 'PROVIDER_TIMEOUT'
  // dialling
  | 'CONNECTION_REFUSED'
  | 'DIAL_TIMEOUT'
  | 'UNREACHABLE'
  | 'HOST_NOT_FOUND'
  | 'CONNECTION_LOST'
  // strangers
  | 'WRONG_SECRET'
  | 'WRONG_CLUSTER'
  | 'VERSION_MISMATCH'
  | 'NOT_AUTHENTICATED'
  | 'SECURITY_MISMATCH'
  | 'NOT_PEERAGE'
  | 'HANDSHAKE_TIMEOUT'
  | 'TOO_MANY_HANDSHAKES'
  | 'TOO_MANY_PEERS'
  | 'FRAME_TOO_LARGE'
  | 'MALFORMED_FRAME'
  | 'NAME_TAKEN'
  // links between nodes that know each other
  | 'SELF'
  | 'DISCONNECTED'
  | 'LEAVING'
  // waiting and messages
  | 'WAIT_TIMEOUT'
  | 'ABORTED'
  | 'NO_SUCH_PEER'
  | 'PEER_GONE'
  | 'OVERLOADED'
  | 'NO_HANDLER'
  | 'AMBIGUOUS_HANDLER'
  | 'REQUEST_TIMEOUT'
  | 'INVALID_MESSAGE'
  | 'REMOTE_ERROR';

/**
 * The one error class of this package: a stable `code`, a message that says what to do, and the `cause`
 * when another error led to it.
 *
 * @publicApi
 */
export class PeerageError extends Error {
  /** `PeerageError`, or the name of the subclass. */
  override readonly name: string = 'PeerageError';

  constructor(
    /** Says which error it is. Compare this, never the message. */
    readonly code: PeerageErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The code of whatever was thrown, when it is an error of ours. */
export function peerageCodeOf(thrown: unknown): PeerageErrorCode | undefined {
  return thrown instanceof PeerageError ? thrown.code : undefined;
}

export { describeError } from './thrown.js';
