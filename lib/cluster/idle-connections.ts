import type { Clock } from '../time/clock.js';
import { every } from '../time/clock.js';

/** How long a connection may be idle, about. */
const LOOK_MS = 100;

/** What Node's HTTP and HTTPS servers have. */
interface ClosingServer {
  readonly listening: boolean;
  closeIdleConnections(): void;
}

/**
 * Closes the connections of an HTTP server that is being closed as soon as they are idle. Node does so once, when
 * `close()` is called: a connection that has a request under way then, and is kept alive, keeps the process for
 * 5 s after it, and with Fastify for 72 s. Returns the function that ends it.
 */
export function closeOnceIdle(server: unknown, clock: Clock): () => void {
  if (!isServer(server)) return () => {};
  return every(clock, LOOK_MS, () => {
    if (!server.listening) server.closeIdleConnections();
  });
}

function isServer(server: unknown): server is ClosingServer {
  return typeof (server as ClosingServer | undefined)?.closeIdleConnections === 'function';
}
