import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';

/**
 * Waits for the end of its input, which is the end of whoever holds the other side, and then kills a server with
 * its children, and removes its folder.
 */
const WATCH = `
  cat >/dev/null
  children=$(pgrep -P "$1")
  kill -KILL "$1" $children 2>/dev/null
  if [ -n "$2" ]; then sleep 0.2; rm -rf "$2"; fi
`;

/**
 * Sees to it that a server does not outlive this process, however that ends: by `kill -9` too, after which no
 * handler runs. `folder` is what it leaves behind.
 */
export function endWithThisProcess(server: ChildProcess, folder = ''): void {
  if (server.pid === undefined) return;
  // In a session of its own, so that Ctrl-C does not end the watch before it has done its work.
  const watch = spawn('/bin/sh', ['-c', WATCH, 'lifeline', String(server.pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.on('error', () => {});
  watch.stdin.on('error', () => {});
  watch.unref();
  (watch.stdin as unknown as { unref(): void }).unref();
  server.once('exit', () => watch.kill('SIGKILL'));
}
