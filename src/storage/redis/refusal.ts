// What Redis answers instead of doing what it was asked for, and what to do about it.

import type { Refusal } from '../refusal-log.js';
import { callsForReconnect, redisErrorCode } from './redis-error.js';

const ADVICE: Readonly<Record<string, string>> = {
  OOM: 'its memory is full: raise maxmemory or free some',
  MISCONF: 'it cannot save its data to the disk: its own log says why',
  NOREPLICAS: 'it has fewer replicas than min-replicas-to-write',
  NOPERM: 'its user lacks a permission: docs/redis.md has those that Rollcall needs',
  NOAUTH: 'it requires a password: add it to REDIS_URL',
  WRONGTYPE: 'a key that begins with REDIS_PREFIX was written by another program: delete or rename that key',
  MOVED: 'it is a cluster of several nodes, which Rollcall does not support',
  ASK: 'it is a cluster of several nodes, which Rollcall does not support',
  CROSSSLOT: 'it is a cluster of several nodes, which Rollcall does not support',
  CLUSTERDOWN: 'its cluster is down',
  BUSY: 'a script of another program blocks it',
};
const LONGEST_REASON = 200;

/** undefined: it was not refused, but the connection failed, or will be left for another one. */
export function refusalOf(error: unknown): Refusal | undefined {
  const code = redisErrorCode(error);
  if (code === undefined || callsForReconnect(error)) return undefined;
  const advice = ADVICE[code] ?? 'which Rollcall does not expect: see the reason';
  return { code, advice, reason: (error as Error).message.slice(0, LONGEST_REASON) };
}
