import { PeerageError } from './peerage-error.js';

/**
 * What became of a handler's error over there.
 *
 * @publicApi
 */
export interface RemoteErrorDetails {
  /** Name of the node whose handler failed. */
  readonly node: string;
  /** `name` of the error over there: `TypeError`, `NotFoundException`… */
  readonly remoteName: string;
  /** `code` of the error over there, where it had one. */
  readonly remoteCode?: string | number;
  /** Its stack; only when neither side runs with `NODE_ENV=production`. */
  readonly remoteStack?: string;
}

/**
 * The handler of another node failed: it threw, its promise rejected, or what it returned cannot be sent. The
 * message is that of the error over there; its stack, when it was told, stands in the `cause`.
 *
 * @publicApi
 */
export class RemoteError extends PeerageError implements RemoteErrorDetails {
  /** Always `RemoteError`; that of the error over there is `remoteName`. */
  override readonly name = 'RemoteError';
  readonly node: string;
  readonly remoteName: string;
  declare readonly remoteCode?: string | number;
  declare readonly remoteStack?: string;

  constructor(message: string, { node, remoteName, remoteCode, remoteStack }: RemoteErrorDetails) {
    super(
      'REMOTE_ERROR',
      message,
      remoteStack === undefined ? undefined : { cause: original(message, remoteName, remoteStack) },
    );
    this.node = node;
    this.remoteName = remoteName;
    if (remoteCode !== undefined) this.remoteCode = remoteCode;
    if (remoteStack !== undefined) this.remoteStack = remoteStack;
  }
}

function original(message: string, name: string, stack: string): Error {
  const hidden = { configurable: true, writable: true, enumerable: false };
  return Object.defineProperties(new Error(message), {
    name: { ...hidden, value: name },
    stack: { ...hidden, value: stack },
  });
}
