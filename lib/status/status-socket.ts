import { chmod, readdir, unlink } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { basename, join } from 'node:path';
import { addAbortSignal } from 'node:stream';
import type { ClusterStats } from '../cluster/cluster-stats.js';
import type { Explanation } from '../cluster/explanation.js';
import { describeError, PeerageError } from '../errors/peerage-error.js';
import { codeOf } from '../errors/thrown.js';
import type { Peer } from '../membership/events.js';
import { defaultLocalDirectory, ensureLocalDirectory } from '../via/local/local-directory.js';

/** A report is longer than this in no cluster that works. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Who connects and takes nothing is hung up on. */
const TAKE_MS = 5_000;

/** The longest path that a socket may have; a longer one is cut off, and lies elsewhere. */
const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;
const LONGEST_NAME = '4194304-0123abcd.sock';

const SOCKET_NAME = /^(\d+)-[0-9a-f]{8}\.sock$/;

/** What a node answers on its socket. */
export interface StatusReport {
  readonly pid: number;
  readonly explanation: Explanation;
  readonly peers: readonly Peer[];
  readonly stats: ClusterStats;
}

/** A folder of the user's own: below the temporary one, or below /tmp where a path in that would be too long. */
export function statusDirectory(dir = defaultLocalDirectory()): string {
  const isShort = Buffer.byteLength(join(dir, LONGEST_NAME)) <= MAX_PATH_BYTES;
  return isShort ? dir : join('/tmp', basename(dir));
}

/** Where a node of this process answers. */
export function statusSocketOf(bootId: string, dir = statusDirectory()): string {
  return join(dir, `${process.pid}-${bootId.slice(0, 8)}.sock`);
}

/**
 * Tells processes of the same user on this host how the node does: who connects is sent one report. In a folder of the
 * user's own, with mode 0600; nothing that comes from the other side is read.
 */
export class StatusSocket {
  private server: Server | undefined;

  constructor(private readonly report: () => StatusReport) {}

  /** @throws when it cannot be opened: no folder can be written to, for one. */
  async open(path: string): Promise<void> {
    // Windows has no sockets with file modes.
    if (process.platform === 'win32') return;
    await ensureLocalDirectory(join(path, '..'));
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.setTimeout(TAKE_MS, () => socket.destroy());
      this.answer(socket);
    });
    server.unref();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
    server.removeAllListeners('error').on('error', () => {});
    this.server = server;
    await chmod(path, 0o600);
  }

  /** Who asks must not end the app, whatever members have told of themselves. */
  private answer(socket: Socket): void {
    try {
      socket.end(JSON.stringify(this.report(), asJson));
    } catch {
      socket.destroy();
    }
  }

  /** Its file is gone then. */
  async close(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = undefined;
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

/** A socket of a node that runs, or did. */
interface FoundSocket {
  readonly pid: number;
  readonly path: string;
}

/** The sockets of this user's nodes on this host. */
export async function findSockets(dir = statusDirectory()): Promise<FoundSocket[]> {
  const files = await readdir(dir).catch(() => []);
  return files.flatMap((file) => {
    const pid = SOCKET_NAME.exec(file)?.[1];
    return pid === undefined ? [] : [{ pid: Number(pid), path: join(dir, file) }];
  });
}

/** Nobody listens there any more, or the file has just gone. */
const GONE: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOENT']);

/**
 * Asks a node for its report. Undefined when its process is gone; the file it left behind is removed.
 *
 * @throws PeerageError `REQUEST_TIMEOUT` when it is there and does not answer: its event loop is blocked;
 * `CONNECTION_LOST` when it cannot be asked, or hangs up
 */
export async function askSocket(
  { pid, path }: FoundSocket,
  timeoutMs: number,
): Promise<StatusReport | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  let text: string;
  try {
    text = await read(path, signal);
  } catch (error) {
    if (GONE.has(codeOf(error))) {
      await unlink(path).catch(() => {});
      return undefined;
    }
    // With so many callers in its queue that it takes no more: EAGAIN.
    if (signal.aborted || codeOf(error) === 'EAGAIN') throw blocked(pid, timeoutMs, error);
    throw lost(pid, describeError(error), error);
  }
  try {
    return reviveDates(JSON.parse(text) as StatusReport);
  } catch (error) {
    throw lost(pid, 'it hung up before its report was whole; it may be shutting down', error);
  }
}

async function read(path: string, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of addAbortSignal(signal, connect(path)) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function blocked(pid: number, timeoutMs: number, cause: unknown): PeerageError {
  return new PeerageError(
    'REQUEST_TIMEOUT',
    `The node of process ${pid} does not answer within ${timeoutMs} ms: its event loop is blocked, or the process is stopped.`,
    { cause },
  );
}

function lost(pid: number, why: string, cause: unknown): PeerageError {
  return new PeerageError('CONNECTION_LOST', `The node of process ${pid} cannot be asked: ${why}.`, {
    cause,
  });
}

function asJson(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Dates are texts on their way. */
function reviveDates({ explanation, peers, stats, ...rest }: StatusReport): StatusReport {
  const revive = (peer: Peer): Peer => ({ ...peer, connectedAt: new Date(peer.connectedAt) });
  const names = explanation.names.map((name) => (name.peer ? { ...name, peer: revive(name.peer) } : name));
  return {
    ...rest,
    explanation: { ...explanation, names },
    peers: peers.map(revive),
    stats: { ...stats, at: new Date(stats.at) },
  };
}
