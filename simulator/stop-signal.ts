// Ctrl-C comes twice through npm: from the terminal, and passed on by npm. The second one must not meet a process that is
// already ending and has no handler any more: the exit code would be that of a crash.

const SECOND_SIGNAL_MS = 250;

/** Aborted by the first SIGINT or SIGTERM; from then on the process lives for long enough to receive the second. */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  const stop = () => {
    if (!stopping.signal.aborted) setTimeout(() => {}, SECOND_SIGNAL_MS);
    stopping.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  return stopping.signal;
}
