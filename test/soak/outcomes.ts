import { PeerageError, RemoteError } from 'nestjs-peerage';
import type { PeerageErrorCode } from 'nestjs-peerage';

/** Timers may be this much early. */
const EARLY_MS = 20;

/** Any message may end so: peers come and go, and fall behind. */
const ALWAYS: readonly PeerageErrorCode[] = ['PEER_GONE', 'NO_SUCH_PEER', 'OVERLOADED'];

/** How each kind of message may end beside that. */
const ENDS = {
  send: ['ok', 'CONNECTION_LOST'],
  echo: ['ok', 'REQUEST_TIMEOUT', 'CONNECTION_LOST'],
  patient: ['ok', 'REQUEST_TIMEOUT', 'CONNECTION_LOST'],
  slow: ['ok', 'REQUEST_TIMEOUT'],
  aborted: ['ok', 'REQUEST_TIMEOUT', 'ABORTED'],
  throws: ['REMOTE_ERROR', 'REQUEST_TIMEOUT'],
  unsendableAnswer: ['REMOTE_ERROR', 'REQUEST_TIMEOUT'],
  never: ['REQUEST_TIMEOUT'],
  nobody: ['NO_HANDLER', 'REQUEST_TIMEOUT'],
  ambiguous: ['AMBIGUOUS_HANDLER', 'REQUEST_TIMEOUT'],
  unsendable: ['INVALID_MESSAGE'],
  gone: [],
} as const satisfies Record<string, readonly ('ok' | PeerageErrorCode)[]>;

export type MessageKind = keyof typeof ENDS;

/** Whoever shuts down answers these before it says goodbye. */
const ANSWERED: ReadonlySet<MessageKind> = new Set([
  'echo',
  'patient',
  'slow',
  'throws',
  'nobody',
  'ambiguous',
]);

export interface Circumstances {
  /** How long it took. */
  readonly tookMs: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Part of the message of the error that the handler throws. */
  readonly throws?: string;
  /** It is longer than some take. */
  readonly isLong?: boolean;
  /** This node itself stood still meanwhile, or just before. */
  readonly stoodStill?: boolean;
  /** This node is being shut down. */
  readonly isClosing: boolean;
}

/** `ok`, or the code of the error. */
export function codeOf(error: unknown): string {
  if (error === undefined) return 'ok';
  return error instanceof PeerageError ? error.code : 'UNKNOWN';
}

/** What is wrong with how a message ended, if anything. `error` is undefined when it ended well. */
export function judge(kind: MessageKind, error: unknown, circumstances: Circumstances): string | undefined {
  const code = codeOf(error);
  if (code === 'UNKNOWN') return `${kind} ended with something that is no PeerageError: ${String(error)}`;
  const mayEnd: readonly string[] = [...ENDS[kind], ...ALWAYS];
  const isShutDown = code === 'NOT_RUNNING' && circumstances.isClosing;
  const isTooLong = code === 'INVALID_MESSAGE' && circumstances.isLong === true;
  if (!mayEnd.includes(code) && !isShutDown && !isTooLong)
    return `${kind} must not end with ${describe(error)}`;
  const problem = problemOf(kind, code, error, circumstances);
  return problem === undefined ? undefined : `${kind} ended with ${describe(error)}, ${problem}`;
}

function problemOf(
  kind: MessageKind,
  code: string,
  error: unknown,
  circumstances: Circumstances,
): string | undefined {
  const { tookMs, timeoutMs = 0, signal, throws, stoodStill = false } = circumstances;
  switch (code) {
    case 'PEER_GONE': {
      const hasLeft = error instanceof PeerageError && error.message.includes('(left)');
      return hasLeft && ANSWERED.has(kind) && !stoodStill ? 'which was sent before it left' : undefined;
    }
    case 'REQUEST_TIMEOUT':
      return tookMs < timeoutMs - EARLY_MS ? `${tookMs} ms after it was sent, not ${timeoutMs}` : undefined;
    case 'ABORTED':
      return signal?.aborted ? undefined : 'and nobody aborted it';
    case 'REMOTE_ERROR':
      if (!(error instanceof RemoteError)) return 'which is no RemoteError';
      return throws === undefined || error.message.includes(throws) ? undefined : `not with "${throws}"`;
    default:
      return undefined;
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${codeOf(error)} (${error.message})` : codeOf(error);
}
