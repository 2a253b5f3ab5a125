// The only code that reads the environment. All settings are read at start, and an invalid one prevents the start.
import { isIP } from 'node:net';
import type { AppSettings } from '../app.module.js';
import { DEFAULT_POLICY, type PresencePolicy } from '../domain/policy.js';
import type { SourceName } from '../domain/subject.js';
import type { StorageOptions } from '../storage/open-storage.js';
import { formatRedisAddress, type RedisAddress } from '../storage/redis/redis-address.js';
import { SETTINGS, type Setting, SOURCE_SETTINGS, type SourceSetting, sourceSettingName } from './settings.js';
import { unknownSettings } from './unknown-settings.js';

type Values = { [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]['read']> };

export interface Config extends AppSettings, Pick<Values, 'host' | 'port' | 'logLevel' | 'shutdownDelayMs'> {
  readonly storePlace: StorageOptions;
  /** Log lines about variables that look like settings but are not. */
  readonly warnings: readonly string[];
}

/** `problems`: one line per invalid setting, with its name and what is wrong, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(`invalid settings: ${problems.join('; ')}`);
  }
}

/** Loads .env from the working directory, if it exists. Variables that are already set take precedence. Throws ConfigError. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new ConfigError([`.env cannot be read: ${message}`]);
  }
}

/** `dialects`: the names of the known dialects. Throws ConfigError. */
export function readConfig(dialects: readonly string[], environment: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const read = ({ name, fallback, emptyFault, read }: Setting<unknown>): unknown => {
    const text = environment[name]?.trim();
    try {
      if (text === '' && emptyFault !== undefined) throw new Error(emptyFault);
      return read(text ?? fallback);
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`);
      return undefined;
    }
  };
  const readAll = (settings: Record<string, Setting<unknown>>) =>
    Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, read(setting)]));
  const values = readAll(SETTINGS) as Values;
  const ofSources = (values.sources ?? []).map(({ name }) => settingsOf(name));
  const policies = ofSources.map((settings) => withoutUndefined(readAll(settings)) as Partial<PresencePolicy>);
  problems.push(...unknownDialects(values, dialects), ...conflicts(values));
  if (problems.length > 0) throw new ConfigError(problems);
  const names = [SETTINGS, ...ofSources].flatMap((settings) => Object.values(settings).map(({ name }) => name));
  return { ...group(values, policies), warnings: unknownSettings(environment, names) };
}

function settingsOf(source: SourceName): Record<string, Setting<unknown>> {
  const named = Object.entries(SOURCE_SETTINGS).map(([key, setting]) => [
    key,
    { ...setting, name: sourceSettingName(setting.name, source) },
  ]);
  return Object.fromEntries(named);
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function unknownDialects({ sources = [] as never }: Partial<Values>, dialects: readonly string[]): string[] {
  const unknown = sources.find(({ dialect }) => !dialects.includes(dialect));
  return unknown ? [`SOURCES must name known dialects: ${dialects.join(', ')}`] : [];
}

/** Whether only this machine can reach the address. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && isIP(host) === 4);
}

/** Faults in combinations of settings. Invalid settings are undefined here. */
function conflicts(values: Partial<Values>): string[] {
  const { host = '', isAuthRequired, apiKeys, callbackSecrets, workers = 1, redis } = values;
  const missing = Object.entries({ API_KEYS: apiKeys, CALLBACK_SECRETS: callbackSecrets }).flatMap(([name, keys]) =>
    keys?.length === 0 ? [name] : [],
  );
  const isExposed = isAuthRequired && !isLoopback(host) && missing.length > 0;
  return [
    ...conflictingTimes(values),
    ...conflictingLimits(values),
    ...(workers > 1 && !redis ? ['WORKERS above 1 needs REDIS_URL: only one process can use an SQLite file'] : []),
    ...(isExposed
      ? [
          `HOST is not a loopback address, so other machines may reach the service: set ${missing.join(' and ')}, or AUTH=off if none can`,
        ]
      : []),
  ];
}

/** A participant that is forgotten while present would never be announced as gone. */
function conflictingTimes({ retentionMs = 0, ...values }: Partial<Values>): string[] {
  const { graceMs = 0, leaveGraceMs = 0, maxConnectionMs = 0 } = values;
  const minimums = { GRACE_MS: graceMs, LEAVE_GRACE_MS: leaveGraceMs, MAX_CONNECTION_MS: maxConnectionMs };
  return Object.entries(minimums).flatMap(([name, timeMs]) =>
    retentionMs < timeMs ? [`RETENTION_MS must be at least ${name}`] : [],
  );
}

/** Each stream occupies a connection, and callbacks need some, too. */
function conflictingLimits({ maxStreams = 0, maxConnections = Number.POSITIVE_INFINITY }: Partial<Values>): string[] {
  return maxStreams >= maxConnections
    ? ['MAX_STREAMS must be less than MAX_CONNECTIONS, or streams leave no connection for callbacks']
    : [];
}

/** `policies`: of each source, in the order of the sources. */
function group(values: Values, policies: readonly Partial<PresencePolicy>[]): Omit<Config, 'warnings'> {
  const { host, port, logLevel, redis, redisPrefix, dataDir, graceMs, leaveGraceMs, overlapMs } = values;
  const { maxConnectionMs, clockSkewMs, retentionMs, feedRetentionMs, feedMaxBytes, maxStreams, publicUrl } = values;
  const { isAuthRequired, apiKeys, callbackSecrets, trustProxy, corsOrigins, rateLimitPerMinute } = values;
  const { workers, maxConnections, maxInFlight, keepAliveMs, shutdownDelayMs, callbacksPerMinutePerUrl } = values;
  const { maxParticipants, newParticipantsPerMinute, sources, spoolMaxBytes, spoolMaxAgeMs } = values;
  const { quarantineMaxCount, quarantineMaxBytes, quarantineRetentionMs } = values;
  const { metricsPort, metricsHost, metricsTags } = values;
  // SQLite syncs each commit to the disk before it is acknowledged.
  const replayWindowMs = redis ? values.replayWindowMs : 0;
  const [first, ...others] = sources;
  return {
    host,
    port,
    workers,
    logLevel,
    shutdownDelayMs,
    storePlace: {
      redis,
      redisPrefix,
      unsafeRedis: values.unsafeRedis,
      durability: values.durability,
      dataDir,
      sources: sources.map(({ name }) => name),
      replayWindowMs,
    },
    replayWindowMs,
    sources: [withPolicy(first, policies[0]), ...others.map((source, n) => withPolicy(source, policies[n + 1]))],
    policy: { ...DEFAULT_POLICY, graceMs, leaveGraceMs, overlapMs, maxConnectionMs, clockSkewMs, retentionMs },
    maxParticipants,
    feed: {
      retentionMs: feedRetentionMs,
      maxBytes: feedMaxBytes,
      maxStreams,
    },
    // The disk of the spool is also that of SQLite.
    spool:
      redis && spoolMaxBytes > 0
        ? { dataDir, store: storeName(redis, redisPrefix), maxBytes: spoolMaxBytes, maxAgeMs: spoolMaxAgeMs }
        : undefined,
    metricsSettings: {
      address: metricsPort === undefined ? undefined : { host: metricsHost, port: metricsPort },
      tags: metricsTags,
      dataDir,
    },
    quarantine: { maxCount: quarantineMaxCount, maxBytes: quarantineMaxBytes, retentionMs: quarantineRetentionMs },
    access: { isRequired: isAuthRequired, apiKeys, callbackSecrets, publicUrl, newParticipantsPerMinute },
    http: {
      trustProxy,
      maxConnections,
      maxInFlight,
      keepAliveMs,
      corsOrigins,
      rateLimitPerMinute,
      callbacksPerMinutePerUrl,
    },
  };
}

function withPolicy(source: SourceSetting, policy: Partial<PresencePolicy> | undefined): AppSettings['sources'][0] {
  return policy && Object.keys(policy).length > 0 ? { ...source, policy } : source;
}

function storeName(redis: RedisAddress, prefix: string): string {
  return `${prefix} in Redis at ${formatRedisAddress(redis)}`;
}
