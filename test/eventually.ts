import { setTimeout as wait } from 'node:timers/promises';

const DELAYS_MS = [1, 2, 5, 10, 20];

/** Resolves once `observe` passes, looking again after growing delays; rejects as it does after the time. */
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
