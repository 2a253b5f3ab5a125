// The one reader of the environment. It reads all of it at the start, and the process does not start on a bad one.
import { isIP } from 'node:net';
import type { AppSettings } from '../app.module.js';
import type { StorePlace } from '../storage/open-storage.js';
import { SETTINGS, type Setting } from './settings.js';
import { unknownSettings } from './unknown-settings.js';

type Values = { [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]['read']> };

export interface Config extends AppSettings, Pick<Values, 'host' | 'port' | 'logLevel' | 'shutdownDelayMs'> {
  readonly storePlace: StorePlace;
  /** Lines about variables that look like settings. */
  readonly warnings: readonly string[];
}

/** `problems`: a line for each bad setting, its name and what is wrong, never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(`bad settings: ${problems.join('; ')}`);
  }
}

/** Adds to the environment what a file .env in the working directory sets and the environment does not. Throws ConfigError. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new ConfigError([`.env cannot be read: ${message}`]);
  }
}

/** `dialects`: those that a source can speak. Throws ConfigError. */
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
  const values = Object.fromEntries(Object.entries(SETTINGS).map(([key, setting]) => [key, read(setting)])) as Values;
  problems.push(...unknownDialects(values, dialects), ...contradictions(values));
  if (problems.length > 0) throw new ConfigError(problems);
  const names = Object.values(SETTINGS).map(({ name }) => name);
  return { ...group(values), warnings: unknownSettings(environment, names) };
}

function unknownDialects({ sources = [] as never }: Partial<Values>, dialects: readonly string[]): string[] {
  const unknown = sources.find(({ dialect }) => !dialects.includes(dialect));
  return unknown ? [`SOURCES must name dialects that exist: ${dialects.join(', ')}`] : [];
}

/** An address that only this machine reaches. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && isIP(host) === 4);
}

/** What no setting shows by itself; those that are bad are undefined here. */
function contradictions(values: Partial<Values>): string[] {
  const { host = '', isAuthRequired, apiKeys, callbackSecrets, workers = 1, redis } = values;
  const missing = Object.entries({ API_KEYS: apiKeys, CALLBACK_SECRETS: callbackSecrets }).flatMap(([name, keys]) =>
    keys?.length === 0 ? [name] : [],
  );
  const isExposed = isAuthRequired && !isLoopback(host) && missing.length > 0;
  return [
    ...contradictingTimes(values),
    ...contradictingLimits(values),
    ...(workers > 1 && !redis ? ['WORKERS above 1 needs REDIS_URL: an SQLite file is for one process'] : []),
    ...(isExposed
      ? [`HOST is not loopback, so strangers may reach it: set ${missing.join(' and ')}, or AUTH=off if none can`]
      : []),
  ];
}

/** One that is forgotten while it is present would never be announced as gone. */
function contradictingTimes({ retentionMs = 0, ...values }: Partial<Values>): string[] {
  const { graceMs = 0, leaveGraceMs = 0, maxConnectionMs = 0 } = values;
  const presentFor = { GRACE_MS: graceMs, LEAVE_GRACE_MS: leaveGraceMs, MAX_CONNECTION_MS: maxConnectionMs };
  return Object.entries(presentFor).flatMap(([name, timeMs]) =>
    retentionMs < timeMs ? [`RETENTION_MS must be at least ${name}`] : [],
  );
}

/** Each stream keeps a connection; callbacks need some, too. */
function contradictingLimits({ maxStreams = 0, maxConnections = Number.POSITIVE_INFINITY }: Partial<Values>): string[] {
  return maxStreams >= maxConnections
    ? ['MAX_STREAMS must be less than MAX_CONNECTIONS, or streams leave no connection for callbacks']
    : [];
}

function group(values: Values): Omit<Config, 'warnings'> {
  const { host, port, logLevel, redis, redisPrefix, dataDir, graceMs, leaveGraceMs, overlapMs } = values;
  const { maxConnectionMs, retentionMs, feedRetentionMs, feedMaxBytes, maxStreams, publicUrl } = values;
  const { isAuthRequired, apiKeys, callbackSecrets, trustProxy, corsOrigins, rateLimitPerMinute } = values;
  const { workers, maxConnections, maxInFlight, keepAliveMs, shutdownDelayMs, callbacksPerMinutePerUrl } = values;
  const { maxParticipants, newParticipantsPerMinute, sources } = values;
  return {
    host,
    port,
    workers,
    logLevel,
    shutdownDelayMs,
    storePlace: { redis, redisPrefix, dataDir, sources: sources.map(({ name }) => name) },
    sources,
    policy: { graceMs, leaveGraceMs, overlapMs, maxConnectionMs, retentionMs },
    maxParticipants,
    feed: {
      retentionMs: feedRetentionMs,
      maxBytes: feedMaxBytes,
      maxStreams,
    },
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
