import { setTimeout as wait } from 'node:timers/promises';

const DELAYS_MS = [1, 2, 5, 10, 20];

/** Calls `observe` with growing delays until it passes. Rejects with its last error after the timeout. */
export async function eventually(observe: () => unknown, withinMs = 60_000): Promise<void> {
  const endMs = Date.now() + withinMs;
  for (let n = 0; ; n += 1) {
    try {
      await observe();
      return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await wait(DELAYS_MS[n] ?? DELAYS_MS.at(-1));
    }
  }
}
