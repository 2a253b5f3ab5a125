// What a view has asked the API for.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isAbort } from '../api/client.js';
import { lockedBy } from '../api/session.js';

export interface Loaded<T> {
  /** Kept while it is read again, and if that fails. */
  readonly value: T | undefined;
  readonly fault: string | undefined;
  readonly reload: () => void;
}

/**
 * `load` is called at once and whenever `inputs` change; the request before is then aborted. `everyMs`: also so often, but not while
 * a request is running, because one that takes longer than that would never be answered.
 */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  inputs: readonly unknown[],
  everyMs?: number,
): Loaded<T> {
  const [state, setState] = useState<{ value: T | undefined; fault: string | undefined }>(NOTHING);
  const running = useRef<AbortController | undefined>(undefined);
  const reload = useCallback(() => {
    running.current?.abort();
    const started = new AbortController();
    running.current = started;
    const { signal } = started;
    load(signal)
      .then(
        (value) => {
          if (!signal.aborted) setState({ value, fault: undefined });
        },
        (error: unknown) => {
          if (signal.aborted || isAbort(error) || isLost(error)) return;
          setState(({ value }) => ({ value, fault: (error as Error).message }));
        },
      )
      .finally(() => {
        if (running.current === started) running.current = undefined;
      });
  }, inputs);
  useEffect(() => {
    reload();
    const renew = () => {
      if (!running.current) reload();
    };
    const timer = everyMs === undefined ? undefined : setInterval(renew, everyMs);
    return () => {
      clearInterval(timer);
      running.current?.abort();
    };
  }, [reload, everyMs]);
  return { ...state, reload };
}

const NOTHING = { value: undefined, fault: undefined };

/** Only a key that is no longer accepted ends the session: another scope may be missing for this view alone. */
function isLost(error: unknown): boolean {
  return (error as { status?: number }).status === 401 && lockedBy(error);
}
