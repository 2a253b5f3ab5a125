// The settings that belong to REDIS_URL.
import type { RedisAddress } from '../storage/redis/client/redis-address.js';

interface RedisValues {
  readonly redis?: RedisAddress | undefined;
  readonly redisUsername?: string | undefined;
  readonly redisPassword?: string | undefined;
  readonly redisSentinelUsername?: string | undefined;
  readonly redisSentinelPassword?: string | undefined;
  readonly redisTlsCa?: string | undefined;
  readonly redisTlsCert?: string | undefined;
  readonly redisTlsKey?: string | undefined;
  readonly redisTlsServerName?: string | undefined;
}

/** What REDIS_URL says, completed by the other settings. */
export function redisAddress(values: RedisValues): RedisAddress | undefined {
  const { redis, redisTlsCa: ca, redisTlsCert: cert, redisTlsKey: key, redisTlsServerName: servername } = values;
  const { redisUsername, redisPassword, redisSentinelUsername, redisSentinelPassword } = values;
  if (!redis) return undefined;
  const tls = { ca, cert, key, servername };
  return {
    ...redis,
    ...(redisUsername !== undefined && { username: redisUsername }),
    ...(redisPassword !== undefined && { password: redisPassword }),
    ...(redisSentinelPassword !== undefined && {
      sentinel: { username: redisSentinelUsername, password: redisSentinelPassword },
    }),
    ...(Object.values(tls).some((value) => value !== undefined) && { tls }),
  };
}

/** Each setting once, and none without effect: it would seem to work. */
export function redisConflicts(values: RedisValues): string[] {
  const { redis, redisUsername, redisPassword, redisSentinelUsername, redisSentinelPassword } = values;
  const { redisTlsCa, redisTlsCert, redisTlsKey, redisTlsServerName } = values;
  const ofTls = {
    REDIS_TLS_CA: redisTlsCa,
    REDIS_TLS_CERT: redisTlsCert,
    REDIS_TLS_KEY: redisTlsKey,
    REDIS_TLS_SERVER_NAME: redisTlsServerName,
  };
  const ofSentinels = {
    REDIS_SENTINEL_USERNAME: redisSentinelUsername,
    REDIS_SENTINEL_PASSWORD: redisSentinelPassword,
  };
  const ofUser = { REDIS_USERNAME: redisUsername, REDIS_PASSWORD: redisPassword };
  if (!redis) return unused({ ...ofUser, ...ofSentinels, ...ofTls }, 'needs REDIS_URL');
  return [
    ...(redis.isTls ? [] : unused(ofTls, 'needs rediss:// in REDIS_URL')),
    ...(redis.kind === 'sentinel' ? [] : unused(ofSentinels, 'needs redis+sentinel:// in REDIS_URL')),
    ...(redis.password === undefined ? [] : unused(ofUser, 'must not be set if REDIS_URL has a password')),
    ...(redis.sentinel === undefined
      ? []
      : unused(ofSentinels, 'must not be set if REDIS_URL has the password of the Sentinels')),
    ...(redis.password === undefined && redisUsername !== undefined && redisPassword === undefined
      ? ['REDIS_USERNAME needs REDIS_PASSWORD']
      : []),
    ...(redisSentinelUsername !== undefined && redisSentinelPassword === undefined
      ? ['REDIS_SENTINEL_USERNAME needs REDIS_SENTINEL_PASSWORD']
      : []),
    ...((redisTlsCert === undefined) === (redisTlsKey === undefined)
      ? []
      : ['REDIS_TLS_CERT and REDIS_TLS_KEY must both be set']),
  ];
}

function unused(settings: Readonly<Record<string, string | undefined>>, fault: string): string[] {
  return Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${fault}`]));
}
