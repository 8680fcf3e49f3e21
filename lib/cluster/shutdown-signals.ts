const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Runs `work` with a signal that aborts when the process is told to end. Nest waits for bootstrap to finish
 * before it shuts down, so whoever waits in bootstrap has to notice by itself. Signals that nobody else
 * listens to are left alone: they end the process as ever.
 */
export async function untilShutdown<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const aborter = new AbortController();
  const abort = () => aborter.abort();
  const heard = SIGNALS.filter((signal) => process.listenerCount(signal) > 0);
  for (const signal of heard) process.once(signal, abort);
  try {
    return await work(aborter.signal);
  } finally {
    for (const signal of heard) process.removeListener(signal, abort);
  }
}
