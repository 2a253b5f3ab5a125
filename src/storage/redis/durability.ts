// How far a commit must have got before it is acknowledged. Redis itself acknowledges a write once it is in memory.
import type { Redis } from 'ioredis';

export const DURABILITIES = ['memory', 'replica', 'fsync'] as const;

/** `replica`: at least one replica has it. `fsync`: it is synced to the disk of the primary. */
export type Durability = (typeof DURABILITIES)[number];

/** Together with the commit itself, within the time limit of a callback. */
const TIMEOUT_MS = 500;

/** The writes were applied, but have not reached the level in time. */
export class NotDurableError extends Error {
  override readonly name = 'NotDurableError';
}

/**
 * `commands`: the connection that ran the commit. A server waits for the writes of that connection only: over another one, it would
 * confirm at once. Resolves once all writes to the server so far have reached the level. Rejects with NotDurableError.
 */
export async function reachDurability(commands: Redis, level: Exclude<Durability, 'memory'>): Promise<void> {
  const reached = await confirmations(commands, level);
  if (reached >= 1) return;
  throw new NotDurableError(
    level === 'replica' ? 'no replica has confirmed the commit' : 'the commit has not been synced to the disk',
  );
}

async function confirmations(commands: Redis, level: Exclude<Durability, 'memory'>): Promise<number> {
  if (level === 'replica') return commands.wait(1, TIMEOUT_MS);
  return ((await commands.call('WAITAOF', 1, 0, TIMEOUT_MS)) as [number, number])[0];
}
