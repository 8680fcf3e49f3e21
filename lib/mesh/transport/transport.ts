import type { PeerageError, PeerageErrorCode } from '../../errors/peerage-error.js';
import type { Outbox } from './outbox.js';

/** What one link tells its owner. */
export interface LinkHandlers {
  /** One whole frame of so many bytes, decoded, but of a kind that is unknown here. Its shape is not checked yet. */
  frame(kind: number, body: unknown, bytes: number): void;
  /** Bytes arrived: the other side lives. Called before the frames that they complete. */
  heard(): void;
  /**
   * The link is gone; the last call, exactly once. `code` is the socket's error code, `EOF`, or the code of
   * the error we closed it with.
   */
  closed(code: string, error?: PeerageError): void;
}

/** An ordered, authenticated pipe of frames to another process. */
export interface Link {
  /** `host:port` of the other end, as the network sees it. */
  readonly remoteAddress: string;
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number;
  /** Starts delivery. Called once, in the turn in which the link was handed over. */
  open(handlers: LinkHandlers): void;
  /** The handshake is over: its deadline and its small frame limit no longer hold. */
  established(): void;
  /**
   * Queues one frame. Frames of one turn leave in one write. `urgent` frames overtake what is queued, and
   * replace the one that waits under the same key.
   * `false`: the queue is full or the link closed, and nothing was queued; urgent frames are always taken.
   *
   * @throws PeerageError `INVALID_MESSAGE`: the body is no plain data, or longer than a frame may be (before
   * `established`: than a hello may be). The link lives on.
   */
  send(kind: number, body: unknown, urgent?: string): boolean;
  /** Sends what comes into this outbox, from now on, behind the frames of `send`. Undefined: no more of it. */
  carry(outbox: Outbox | undefined): void;
  /** Queues what may go of the outbox, before the frames that follow. For the last word on a link. */
  unload(): void;
  /** Sends what is queued, and the rest of a message that it sent in part, then closes. Bounded in time. */
  end(): void;
  /** Closes at once. `closed` follows. */
  destroy(error?: PeerageError): void;
}

/** Told of each inbound connection: once, when its handshake by TLS is over, or has failed. */
export interface Acceptor {
  /** It has proved itself; in plaintext, it has said something. So the dialer speaks first. */
  accepted(link: Link): void;
  /** It never became a link. */
  refused(address: string, code: PeerageErrorCode, message: string): void;
}

/** Makes links: over TCP in production, in memory in tests. */
export interface Transport {
  /** @throws PeerageError `PORT_IN_USE`, `CANNOT_LISTEN`; `NOT_RUNNING` when it was closed meanwhile */
  listen(acceptor: Acceptor): Promise<{ host: string; port: number }>;
  /**
   * Opens an authenticated link. Ends within the handshake deadline.
   *
   * @param opened is called when somebody took the connection, where that and the handshake are two steps
   * @throws PeerageError `CONNECTION_REFUSED`, `DIAL_TIMEOUT`, `UNREACHABLE`, `HOST_NOT_FOUND`,
   * `CONNECTION_LOST`, `WRONG_SECRET`, `NOT_AUTHENTICATED`, `SECURITY_MISMATCH`, `NOT_PEERAGE`, `ABORTED`
   */
  dial(host: string, port: number, signal: AbortSignal, opened?: () => void): Promise<Link>;
  /**
   * Whether somebody takes a connection there: opens one, says nothing on it, and closes it.
   *
   * @throws PeerageError as `dial`
   */
  reach(host: string, port: number, signal: AbortSignal): Promise<void>;
  /** Stops listening and ends every link, unfinished handshakes too. Bounded in time; may be called again. */
  close(): Promise<void>;
}
