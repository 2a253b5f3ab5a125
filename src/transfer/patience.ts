// Exports and imports take minutes, in which a failover or a moved slot is normal: they wait for the store.
import { setTimeout as wait } from 'node:timers/promises';
import { StoreUnavailableError } from '../storage/ports.js';

const PAUSE_MS = 500;
const MAX_WAIT_MS = 60_000;

/** `work` must be safe to repeat. Rejects with its StoreUnavailableError if the store remains unavailable for a minute. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || performance.now() - startMs > MAX_WAIT_MS) throw error;
      await wait(PAUSE_MS);
    }
  }
}
