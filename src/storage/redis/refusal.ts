// Explains error replies of Redis, with a remedy.

import type { Refusal } from '../refusal-log.js';
import { redisErrorCode, requiresReconnect } from './client/redis-error.js';
import { NotDurableError } from './durability.js';

const ADVICE: Readonly<Record<string, string>> = {
  OOM: 'its memory is full: raise maxmemory or free some memory',
  MISCONF: 'it cannot save its data to disk: see its own log',
  NOREPLICAS: 'it has fewer replicas than min-replicas-to-write',
  NOPERM: 'its user lacks a permission: see docs/redis.md for those that Rollcall needs',
  NOAUTH: 'it requires a password: add it to REDIS_URL',
  WRONGTYPE: 'another program wrote a key that starts with REDIS_PREFIX: delete or rename that key',
  MOVED: 'it is a Redis Cluster of several nodes: use redis+cluster:// in REDIS_URL',
  ASK: 'it is a Redis Cluster of several nodes: use redis+cluster:// in REDIS_URL',
  CROSSSLOT: 'it does not keep keys with the same {hash tag} together, as Rollcall needs: see docs/redis.md',
  CLUSTERDOWN: 'its cluster is down',
  TRYAGAIN: 'its cluster is moving a slot',
  BUSY: 'a script of another program blocks it',
};
/** As servers and proxies word it that lack scripts or transactions. */
const UNSUPPORTED = /unknown (redis )?command|unsupported|not supported|not allowed|disabled|without MULTI/i;
const LACKS_COMMANDS = 'it lacks a command that Rollcall needs, such as EVALSHA or MULTI: see docs/redis.md';
/** Of a server that Rollcall cannot work with at all. */
const GENERAL: ReadonlySet<string> = new Set(['MOVED', 'ASK', 'CROSSSLOT', 'CLUSTERDOWN', 'NOAUTH']);
const MAX_REASON_LENGTH = 200;

/** undefined: not a refusal. The connection failed or will be replaced. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof NotDurableError) {
    return {
      code: 'not durable in time',
      advice: 'see DURABILITY and the replicas or the disk of Redis',
      reason: error.message,
    };
  }
  const code = redisErrorCode(error);
  if (code === undefined || requiresReconnect(error)) return undefined;
  const isUnsupported = code === 'ERR' && UNSUPPORTED.test((error as Error).message);
  const advice = (isUnsupported ? LACKS_COMMANDS : ADVICE[code]) ?? 'which Rollcall does not expect: see the reason';
  const isGeneral = isUnsupported || GENERAL.has(code);
  return { code, advice, reason: (error as Error).message.slice(0, MAX_REASON_LENGTH), isGeneral };
}
