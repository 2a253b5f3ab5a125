// How far a commit must have got before it is acknowledged. Redis itself acknowledges a write once it is in memory.
import type { Shard } from './shard.js';
import type { Shards } from './shards.js';

export const DURABILITIES = ['memory', 'replica', 'fsync'] as const;

/** `replica`: at least one replica has it. `fsync`: it is synced to the disk of the primary. */
export type Durability = (typeof DURABILITIES)[number];

/** Together with the commit itself, within the time limit of a callback. */
const TIMEOUT_MS = 500;

/** The writes were applied, but have not reached the level in time. */
export class NotDurableError extends Error {
  override readonly name = 'NotDurableError';
}

/** Resolves once all earlier writes to the server of the shard have reached the level. Rejects with NotDurableError. */
export async function reachDurability(shards: Shards, shard: Shard, level: Durability): Promise<void> {
  if (level === 'memory') return;
  const reached = await shards.run(shard, async (commands) => {
    if (level === 'replica') return commands.wait(1, TIMEOUT_MS);
    return ((await commands.call('WAITAOF', 1, 0, TIMEOUT_MS)) as [number, number])[0];
  });
  if (reached >= 1) return;
  throw new NotDurableError(
    level === 'replica' ? 'no replica has confirmed the commit' : 'the commit has not been synced to the disk',
  );
}
