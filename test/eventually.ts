import { setImmediate } from 'node:timers/promises';

/** Resolves once `observe` passes, looking again each time other work was done; rejects as it does after the time. */
export async function eventually(observe: () => unknown, withinMs = 30_000): Promise<void> {
  const endMs = Date.now() + withinMs;
  for (;;) {
    try {
      await observe();
      return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await setImmediate();
    }
  }
}
