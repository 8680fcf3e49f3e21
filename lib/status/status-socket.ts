import { chmod, readdir, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { ClusterStats } from '../cluster/cluster-stats.js';
import type { Explanation } from '../cluster/explanation.js';
import { PeerageError } from '../errors/peerage-error.js';
import type { Peer } from '../membership/events.js';
import { defaultLocalDirectory, ensureLocalDirectory } from '../via/local/local-directory.js';

/** A report is longer than this in no cluster that works. */
const MAX_BYTES = 32 * 1024 * 1024;

/** Who connects and takes nothing is hung up on. */
const TAKE_MS = 5_000;

const SOCKET_NAME = /^(\d+)-[0-9a-f]{8}\.sock$/;

/** What a node answers on its socket. */
export interface StatusReport {
  readonly pid: number;
  readonly explanation: Explanation;
  readonly peers: readonly Peer[];
  readonly stats: ClusterStats;
}

/** Where a node of this process answers. */
export function statusSocketOf(bootId: string, dir = defaultLocalDirectory()): string {
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
      socket.end(JSON.stringify(this.report()));
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
export async function findSockets(dir = defaultLocalDirectory()): Promise<FoundSocket[]> {
  const files = await readdir(dir).catch(() => []);
  return files.flatMap((file) => {
    const pid = SOCKET_NAME.exec(file)?.[1];
    return pid === undefined ? [] : [{ pid: Number(pid), path: join(dir, file) }];
  });
}

/**
 * Asks a node for its report. Undefined when its process is gone; the file it left behind is removed.
 *
 * @throws PeerageError `REQUEST_TIMEOUT` when it is there and does not answer: its event loop is blocked
 */
export async function askSocket(
  { pid, path }: FoundSocket,
  timeoutMs: number,
): Promise<StatusReport | undefined> {
  const text = await new Promise<string | undefined>((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const socket = connect(path);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new PeerageError(
          'REQUEST_TIMEOUT',
          `The node of process ${pid} does not answer within ${timeoutMs} ms: its event loop is blocked, or the process is stopped.`,
        ),
      );
    }, timeoutMs);
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) socket.destroy();
      else chunks.push(chunk);
    });
    socket.once('error', () => resolve(undefined));
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(bytes > 0 ? Buffer.concat(chunks).toString() : undefined);
    });
  });
  if (text === undefined) {
    await unlink(path).catch(() => {});
    return undefined;
  }
  return reviveDates(JSON.parse(text) as StatusReport);
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
