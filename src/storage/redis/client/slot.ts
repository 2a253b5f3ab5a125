import { Command } from 'ioredis';

/** The slot of a Redis Cluster that a key is in. */
export function slotOf(key: string): number {
  return Number(new Command('get', [key]).getSlot());
}
