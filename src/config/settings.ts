// All settings: name, purpose, default and parser. Tests compare .env.example, docs/configuration.md and the README with this list.
import { parseApiKeys } from '../auth/api-keys.js';
import { DEFAULT_POLICY } from '../domain/policy.js';
import { LOG_LEVELS } from '../observability/logging.js';
import { parseRedisUrl } from '../storage/redis/client/parse-redis-url.js';
import { ALLOWABLE } from '../storage/redis/client/redis-fault.js';
import {
  addressRange,
  baseUrl,
  callbackSecrets,
  certificate,
  databaseUrl,
  durability,
  indexedLabels,
  integer,
  jsonList,
  keyPrefix,
  line,
  list,
  listenHost,
  logLevel,
  metricsTags,
  oneOrMany,
  onOrOff,
  optional,
  origin,
  privateKey,
  reconcileInterval,
  serverName,
  sources,
  unsafeRedis,
} from './readers.js';

export interface Setting<T> {
  readonly name: string;
  readonly purpose: string;
  /** The default, as it would be written in the environment; '' if being unset has a meaning of its own. */
  readonly fallback: string;
  /** The error for an empty value; undefined if it is allowed, as for a list. */
  readonly emptyFault: string | undefined;
  /** Throws an error that says what is wrong and never contains the value: it may be a secret. */
  readonly read: (text: string) => T;
}

export const SETTINGS = {
  host: setting('HOST', '127.0.0.1', 'Address to listen on.', listenHost),
  port: setting('PORT', '3000', 'Port to listen on; 0 picks a free one.', integer(0, 65_535)),
  workers: setting(
    'WORKERS',
    '1',
    'Number of processes that share the port; more than one requires REDIS_URL.',
    integer(1, 64),
  ),
  sources: setting(
    'SOURCES',
    'bandwidth',
    "Callback sources: a comma-separated list of name or name=dialect. The dialect (the provider's format) defaults to the name.",
    sources,
  ),
  isAuthRequired: setting(
    'AUTH',
    'on',
    'on or off. off disables authentication: anyone who can reach the port has full access.',
    onOrOff,
  ),
  apiKeys: setting(
    'API_KEYS',
    '',
    'API keys: a comma-separated list of name:scopes:sha256hex; generate one with `npm run key`.',
    (text) => (text === '' ? [] : parseApiKeys(text)),
  ),
  callbackSecrets: setting(
    'CALLBACK_SECRETS',
    '',
    'Comma-separated callback secrets, each 32 to 256 letters, digits, - or _ (`openssl rand -hex 32`). The first one signs minted callback URLs.',
    callbackSecrets,
  ),
  newParticipantsPerMinute: setting(
    'NEW_PARTICIPANTS_PER_MINUTE',
    '30000',
    'Maximum new participants per minute, for each callback secret together with its minted URLs, per process; 0 for no limit.',
    integer(0, 10_000_000),
  ),
  publicUrl: setting(
    'PUBLIC_URL',
    '',
    'Public base URL of this service, used in minted callback URLs; for example https://rollcall.example.com.',
    baseUrl,
  ),
  trustProxy: setting(
    'TRUST_PROXY',
    '',
    'Proxies whose X-Forwarded-For header is trusted: a comma-separated list of addresses or CIDR ranges.',
    (text) => list(text).map(addressRange),
  ),
  corsOrigins: setting('CORS_ORIGINS', '', 'Origins allowed by CORS, comma-separated.', (text) =>
    list(text).map(origin),
  ),
  rateLimitPerMinute: setting(
    'RATE_LIMIT_PER_MINUTE',
    '6000',
    'Maximum REST requests per minute for each API key, per process.',
    integer(1, 10_000_000),
  ),
  callbacksPerMinutePerUrl: setting(
    'CALLBACKS_PER_MINUTE_PER_URL',
    '600',
    'Maximum callbacks per minute for each minted URL, per process; 0 for no limit.',
    integer(0, 10_000_000),
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    '10000',
    'Maximum number of open TCP connections per process; at the limit, idle ones are closed, or new ones get 503.',
    integer(1, 1_000_000),
  ),
  maxInFlight: setting(
    'MAX_IN_FLIGHT',
    '2000',
    'Maximum number of requests in progress per process; further requests get 503 immediately.',
    integer(1, 1_000_000),
  ),
  keepAliveMs: setting(
    'KEEP_ALIVE_MS',
    '620000',
    'How long an idle connection is kept open. Must exceed the idle timeout of the load balancer in front (Google Cloud: 600 s).',
    integer(1_000, 86_400_000),
  ),
  shutdownDelayMs: setting(
    'SHUTDOWN_DELAY_MS',
    '5000',
    'How long to keep serving after SIGTERM while the readiness probe fails, so that load balancers stop sending requests.',
    integer(0, 3_600_000),
  ),
  redis: {
    ...setting(
      'REDIS_URL',
      '',
      'URL of the Redis that stores presence: redis://, redis+sentinel:// or redis+cluster://, each with rediss for TLS, or unix://. Unset: SQLite in DATA_DIR.',
      (text) => (text === '' ? undefined : parseRedisUrl(text)),
    ),
    // An empty variable is probably a mistake, and must not silently select SQLite.
    emptyFault: 'must not be empty: unset it to store presence in SQLite',
  },
  redisPrefix: setting('REDIS_PREFIX', 'rollcall', 'Prefix of all Redis keys.', keyPrefix),
  redisUsername: filled('REDIS_USERNAME', 'Redis user, if it is not in REDIS_URL.', line),
  redisPassword: filled('REDIS_PASSWORD', 'Password of Redis, if it is not in REDIS_URL.', line),
  redisSentinelUsername: filled(
    'REDIS_SENTINEL_USERNAME',
    'User of the Sentinels, which have users of their own.',
    line,
  ),
  redisSentinelPassword: filled('REDIS_SENTINEL_PASSWORD', 'Password of the Sentinels.', line),
  redisTlsCa: filled(
    'REDIS_TLS_CA',
    'Certificates (PEM) of the authorities that may have signed that of Redis, instead of those of Node.js; usually from a file, with REDIS_TLS_CA_FILE.',
    certificate,
  ),
  redisTlsCert: filled(
    'REDIS_TLS_CERT',
    'Client certificate (PEM) for Redis; usually from a file, with REDIS_TLS_CERT_FILE.',
    certificate,
  ),
  redisTlsKey: filled(
    'REDIS_TLS_KEY',
    'Private key (PEM) of the client certificate; usually from a file, with REDIS_TLS_KEY_FILE.',
    privateKey,
  ),
  redisTlsServerName: filled(
    'REDIS_TLS_SERVER_NAME',
    'Name that the certificate of Redis must have, if it is not the host in REDIS_URL.',
    serverName,
  ),
  redisShards: setting(
    'REDIS_SHARDS',
    '1',
    'Number of parts into which the data in Redis is divided; 16 for a Redis Cluster. Fixed once there is data.',
    integer(1, 64),
  ),
  unsafeRedis: setting(
    'UNSAFE_REDIS',
    '',
    `Start although Redis may lose data: a comma-separated list of ${ALLOWABLE.join(' and ')}.`,
    unsafeRedis,
  ),
  durability: setting(
    'DURABILITY',
    'memory',
    'When a commit to Redis is acknowledged: memory (as soon as Redis has it), replica (a replica has it) or fsync (it is on the disk; Redis 7.2). Events for which that takes too long are spooled.',
    durability,
  ),
  dataDir: setting('DATA_DIR', './data', 'Folder of the SQLite database or, with Redis, of the spool.', (text) => text),
  spoolMaxBytes: setting(
    'SPOOL_MAX_BYTES',
    String(64 * 1024 * 1024),
    'Maximum size of the spool, which keeps events in DATA_DIR while Redis cannot take them, per process; 0 turns it off.',
    integer(0, 2 ** 40),
  ),
  spoolMaxAgeMs: setting(
    'SPOOL_MAX_AGE_MS',
    '86400000',
    'While the oldest event in the spool is older than this, no more are spooled, and callbacks get 503.',
    integer(1_000, 30 * 86_400_000),
  ),
  replayWindowMs: setting(
    'REPLAY_WINDOW_MS',
    '60000',
    'How long events are kept in memory, to apply them again when Redis may have lost them, as after a failover; 0 turns it off.',
    integer(0, 3_600_000),
  ),
  forwardTo: filled(
    'FORWARD_TO',
    'Base URL of another Rollcall that gets each callback as well, while readers move to it; for example https://new.example.com.',
    baseUrl,
  ),
  forwardApiKey: filled('FORWARD_API_KEY', 'API key with the scope admin of the Rollcall in FORWARD_TO.', line),
  reconcileMs: setting(
    'RECONCILE_MS',
    '60000',
    'How often providers that have a list of who is present are asked for it; 0: providers are not asked at all.',
    reconcileInterval,
  ),
  graceMs: setting(
    'GRACE_MS',
    String(DEFAULT_POLICY.graceMs),
    'Grace period: how long a disconnected device stays reconnecting before it becomes gone.',
    integer(0, 3_600_000),
  ),
  leaveGraceMs: setting(
    'LEAVE_GRACE_MS',
    String(DEFAULT_POLICY.leaveGraceMs),
    'How long a participant stays reconnecting after its last device left, so that a page reload is not reported as gone.',
    integer(0, 3_600_000),
  ),
  overlapMs: setting(
    'OVERLAP_MS',
    String(DEFAULT_POLICY.overlapMs),
    'How long the provider may take to notice that a socket is dead: after a second connect of a device, a disconnect within this time plus CLOCK_SKEW_MS is attributed to the older socket.',
    integer(0, 3_600_000),
  ),
  maxConnectionMs: setting(
    'MAX_CONNECTION_MS',
    String(DEFAULT_POLICY.maxConnectionMs),
    'How long a device stays connected after its last onConnect, or the last confirmation by the API of the provider, was received, unless an onDisconnect or onLeave ends the connection; after that it is gone, with cause `expired`.',
    integer(1_000, 30 * 86_400_000),
  ),
  retentionMs: setting(
    'RETENTION_MS',
    String(DEFAULT_POLICY.retentionMs),
    'How long the record of a gone participant is kept; must not be less than MAX_CONNECTION_MS, GRACE_MS or LEAVE_GRACE_MS.',
    integer(1_000, 366 * 86_400_000),
  ),
  clockSkewMs: setting(
    'CLOCK_SKEW_MS',
    String(DEFAULT_POLICY.clockSkewMs),
    "How far the clocks of a provider's hosts may differ from this service's clock and from each other.",
    integer(0, 300_000),
  ),
  maxParticipants: setting(
    'MAX_PARTICIPANTS',
    '1000000',
    'Maximum number of stored participants, including gone ones; at the limit, callbacks for new participants are refused. 0 for no limit.',
    integer(0, 1_000_000_000),
  ),
  feedRetentionMs: setting(
    'FEED_RETENTION_MS',
    '86400000',
    'How long changes stay in the feed; a client that was disconnected for longer must list the participants again.',
    integer(1_000, 30 * 86_400_000),
  ),
  feedMaxBytes: setting(
    'FEED_MAX_BYTES',
    String(256 * 1024 * 1024),
    'Maximum size of the feed; the oldest changes are dropped first.',
    integer(1_024 * 1_024, 2 ** 40),
  ),
  maxStreams: setting(
    'MAX_STREAMS',
    '1000',
    'Maximum number of concurrent streams and polls of the change feed per process; must be less than MAX_CONNECTIONS.',
    integer(0, 1_000_000),
  ),
  metricsPort: setting(
    'METRICS_PORT',
    '',
    'Port that serves GET /metrics without a key, instead of PORT, which then does not serve it; 0 picks a free one.',
    (text) => (text === '' ? undefined : integer(0, 65_535)(text)),
  ),
  indexedLabels: setting(
    'INDEXED_LABELS',
    '',
    'Labels by which participants can be listed and counted: a comma-separated list of at most 8 names.',
    indexedLabels,
  ),
  metricsHost: setting('METRICS_HOST', '127.0.0.1', 'Address to listen on with METRICS_PORT.', listenHost),
  metricsTags: setting(
    'METRICS_TAGS',
    '',
    'Tags whose participants are counted in the metrics: a comma-separated list of at most 100.',
    metricsTags,
  ),
  quarantineMaxCount: setting(
    'QUARANTINE_MAX_COUNT',
    '10000',
    'Maximum number of quarantined callbacks: those that were refused or not understood. The oldest are dropped first; 0 keeps none.',
    integer(0, 100_000),
  ),
  quarantineMaxBytes: setting(
    'QUARANTINE_MAX_BYTES',
    String(16 * 1024 * 1024),
    'Maximum total size of the bodies of quarantined callbacks; the oldest are dropped first.',
    integer(1024 * 1024, 2 ** 30),
  ),
  quarantineRetentionMs: setting(
    'QUARANTINE_RETENTION_MS',
    '604800000',
    'How long quarantined callbacks are kept.',
    integer(1_000, 366 * 86_400_000),
  ),
  isHistoryOn: setting(
    'HISTORY',
    'on',
    'on or off: whether the connections of devices are kept after their end. Needs SQLite or DATABASE_URL.',
    onOrOff,
  ),
  databaseUrl: {
    ...setting(
      'DATABASE_URL',
      '',
      'URL of the PostgreSQL database that keeps history (postgres://). Unset: SQLite in DATA_DIR, or no history if REDIS_URL is set.',
      databaseUrl,
    ),
    // As for REDIS_URL.
    emptyFault: 'must not be empty: unset it to keep history in SQLite',
  },
  historyRetentionMs: setting(
    'HISTORY_RETENTION_MS',
    String(90 * 86_400_000),
    'How long history keeps a connection after its end.',
    integer(60_000, 3_660 * 86_400_000),
  ),
  webhookEndpoints: setting(
    'WEBHOOK_ENDPOINTS',
    '[]',
    'Endpoints of webhooks, besides those created by requests: a JSON array, usually from a file, with WEBHOOK_ENDPOINTS_FILE. See docs/webhooks.md.',
    jsonList,
  ),
  isWebhookHttpAllowed: setting(
    'WEBHOOK_ALLOW_HTTP',
    'off',
    'on or off. on: webhooks may be sent over http, where everybody on the way can read them.',
    onOrOff,
  ),
  webhookAllowedNetworks: setting(
    'WEBHOOK_ALLOWED_NETWORKS',
    '',
    'Private networks that webhooks may be sent to: a comma-separated list of addresses or CIDR ranges.',
    (text) => list(text).map(addressRange),
  ),
  vacatedDelayMs: setting(
    'VACATED_DELAY_MS',
    '10000',
    'How long a tag must be empty before webhooks report it as vacated; a participant that joins within that time cancels that.',
    integer(0, 86_400_000),
  ),
  isConsoleOn: setting('CONSOLE', 'on', 'on or off: whether the console is served at /. See docs/console.md.', onOrOff),
  logLevel: setting('LOG_LEVEL', 'info', `Log level: ${LOG_LEVELS.join(', ')}.`, logLevel),
};

/**
 * Settings of one source, which override those of its dialect and those of all sources. Documented in docs/sources.md.
 * `<NAME>`: see `sourceSettingName`.
 */
export const SOURCE_SETTINGS = {
  graceMs: setting('SOURCE_<NAME>_GRACE_MS', '', 'GRACE_MS for one source.', optional(integer(0, 3_600_000))),
  overlapMs: setting('SOURCE_<NAME>_OVERLAP_MS', '', 'OVERLAP_MS for one source.', optional(integer(0, 3_600_000))),
  maxConnectionMs: setting(
    'SOURCE_<NAME>_MAX_CONNECTION_MS',
    '',
    'MAX_CONNECTION_MS for one source.',
    optional(integer(1_000, 30 * 86_400_000)),
  ),
  devicesAtOnce: setting(
    'SOURCE_<NAME>_DEVICES_AT_ONCE',
    '',
    'many or one: how many devices a participant of this source can have at once. Default: that of the dialect, or many. With one, a newer device replaces the older one.',
    optional(oneOrMany),
  ),
  socketsPerDevice: setting(
    'SOURCE_<NAME>_SOCKETS_PER_DEVICE',
    '',
    'many or one: how many sockets a device of this source can have at once. Default: that of the dialect, or many. With one, each end of a device ends its connection, and OVERLAP_MS has no effect.',
    optional(oneOrMany),
  ),
};

function setting<T>(name: string, fallback: string, purpose: string, read: (text: string) => T): Setting<T> {
  const emptyFault = fallback === '' ? undefined : 'must not be empty: unset it to use the default';
  return { name, fallback, purpose, read, emptyFault };
}

/** Unset, or not empty: an empty secret is probably a mistake. */
function filled<T>(name: string, purpose: string, read: (text: string) => T): Setting<T | undefined> {
  return { ...setting(name, '', purpose, optional(read)), emptyFault: 'must not be empty: unset it' };
}
