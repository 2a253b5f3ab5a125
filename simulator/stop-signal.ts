// With npm, Ctrl-C arrives twice: from the terminal, and forwarded by npm. If the process had already removed its handlers when
// the second one arrives, it would exit with the status of a crash.

const SECOND_SIGNAL_MS = 250;

/** Aborted by the first SIGINT or SIGTERM; the process then stays alive long enough to receive the second. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  const stop = () => {
    if (!stopping.signal.aborted) setTimeout(() => {}, SECOND_SIGNAL_MS);
    stopping.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  return stopping.signal;
}
