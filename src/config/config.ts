// The only code that reads the environment. All settings are read at start, and an invalid one prevents the start.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { AppSettings } from '../app.module.js';
import { DEFAULT_POLICY, type PresencePolicy } from '../domain/policy.js';
import type { SourceName } from '../domain/subject.js';
import type { TraceSettings } from '../observability/tracing/open-tracer.js';
import { sourceSettingName } from '../runtime/source-setting-name.js';
import type { StorageOptions } from '../storage/open-storage.js';
import { formatRedisAddress, type RedisAddress } from '../storage/redis/client/redis-address.js';
import type { SourceSetting } from './readers.js';
import { redisAddress, redisConflicts } from './redis-settings.js';
import { SETTINGS, type Setting, SOURCE_SETTINGS } from './settings.js';
import { readTraces } from './traces.js';
import { unknownSettings } from './unknown-settings.js';

type Values = { [K in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[K]['read']> };

export interface Config extends AppSettings, Pick<Values, 'host' | 'port' | 'logLevel' | 'shutdownDelayMs'> {
  readonly storePlace: StorageOptions;
  /** undefined: traces are off. */
  readonly traces: TraceSettings | undefined;
  /** Log lines about variables that look like settings but are not, or that turn traces off because they are invalid. */
  readonly warnings: readonly string[];
}

/** What a dialect declares that concerns settings. */
interface DialectDeclaration {
  readonly settings?: Readonly<
    Record<string, Pick<Setting<unknown>, 'name' | 'read'> & { readonly fallback?: string }>
  >;
  readonly policy?: Partial<PresencePolicy>;
  readonly needsSecret?: true;
  /** Whether PUBLIC_URL must be set. */
  readonly signsUrl?: true;
  /** A source that has no `authenticate` relies on CALLBACK_SECRETS, and so does one whose dialect sets `needsSecret`. */
  create(name: SourceName, settings: Readonly<Record<string, unknown>>): { readonly authenticate?: unknown };
}

export type DialectDeclarations = Readonly<Record<string, DialectDeclaration>>;

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

/** `dialects`: all that are known. Throws ConfigError. */
export function readConfig(dialects: DialectDeclarations, environment: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = [];
  const read = ({ name, fallback, emptyFault, read }: SettingToRead): unknown => {
    try {
      const text = textOf(name, environment);
      if (text === '' && emptyFault !== undefined) throw new Error(emptyFault);
      const value = text ?? fallback;
      if (value === undefined) throw new Error('must be set');
      return read(value);
    } catch (error) {
      problems.push(`${name} ${(error as Error).message}`);
      return undefined;
    }
  };
  const readAll = (settings: Readonly<Record<string, SettingToRead>>) =>
    Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, read(setting)]));
  const values = readAll(SETTINGS) as Values;
  const ofSources = (values.sources ?? []).map(({ name, dialect }) => ({
    policy: namedAfter(name, SOURCE_SETTINGS),
    settings: namedAfter(name, dialects[dialect]?.settings ?? {}),
  }));
  const valuesOfSources = ofSources.map(({ policy, settings }) => ({
    policy: withoutUndefined(readAll(policy)) as Partial<PresencePolicy>,
    settings: readAll(settings),
  }));
  const policies = valuesOfSources.map(({ policy }, n) => ({
    ...dialects[values.sources?.[n]?.dialect ?? '']?.policy,
    ...policy,
  }));
  problems.push(...unknownDialects(values, dialects), ...conflicts(values, dialects, policies));
  problems.push(
    ...missingKeys(values, problems.length === 0 && needSecrets(values.sources, dialects, valuesOfSources)),
  );
  if (problems.length > 0) throw new ConfigError(problems);
  const all = [SETTINGS, ...ofSources.flatMap(({ policy, settings }) => [policy, settings])];
  const names = all.flatMap((settings) => Object.values(settings).flatMap(({ name }) => [name, fileSettingName(name)]));
  const { protocol, warnings } = readTraces(environment);
  return {
    ...group(values, valuesOfSources),
    traces: protocol && { protocol, store: values.redis ? 'redis' : 'sqlite' },
    warnings: [...unknownSettings(environment, names), ...warnings],
  };
}

type SettingToRead = Pick<Setting<unknown>, 'name' | 'read'> & {
  /** undefined: the setting is required. */
  readonly fallback?: string;
  readonly emptyFault?: string | undefined;
};

function namedAfter(
  source: SourceName,
  settings: Readonly<Record<string, SettingToRead>>,
): Readonly<Record<string, SettingToRead>> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, setting]) => [
      key,
      { ...setting, name: sourceSettingName(setting.name, source) },
    ]),
  );
}

/** The value of a setting, or the content of the file that `<name>_FILE` names, as container platforms pass secrets. */
function textOf(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const text = environment[name]?.trim();
  const file = environment[fileSettingName(name)]?.trim();
  if (file === undefined) return text;
  if (text !== undefined) throw new Error(`and ${fileSettingName(name)} must not both be set`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new Error(
      `cannot be read from the file in ${fileSettingName(name)}: ${(error as NodeJS.ErrnoException).code}`,
    );
  }
}

function fileSettingName(name: string): string {
  return `${name}_FILE`;
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function unknownDialects({ sources = [] as never }: Partial<Values>, dialects: DialectDeclarations): string[] {
  const unknown = sources.find(({ dialect }) => !Object.hasOwn(dialects, dialect));
  return unknown ? [`SOURCES must name known dialects: ${Object.keys(dialects).join(', ')}`] : [];
}

/** Whether only this machine can reach the address. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && isIP(host) === 4);
}

/** Faults in combinations of settings. Invalid settings are undefined here. */
function conflicts(
  values: Partial<Values>,
  dialects: DialectDeclarations,
  policies: readonly Partial<PresencePolicy>[],
): string[] {
  const { workers = 1, redis } = values;
  return [
    ...conflictingTimes(values, policies),
    ...conflictingLimits(values),
    ...missingPublicUrl(values, dialects),
    ...redisConflicts(values),
    ...forwardConflicts(values),
    ...(workers > 1 && !redis ? ['WORKERS above 1 needs REDIS_URL: only one process can use an SQLite file'] : []),
  ];
}

function forwardConflicts({ forwardTo, forwardApiKey, spoolMaxBytes }: Partial<Values>): string[] {
  if (forwardTo === undefined) return forwardApiKey === undefined ? [] : ['FORWARD_API_KEY needs FORWARD_TO'];
  return spoolMaxBytes === 0 ? ['FORWARD_TO needs SPOOL_MAX_BYTES above 0: callbacks wait there'] : [];
}

/** Whether callbacks of at least one source must have one of CALLBACK_SECRETS. */
function needSecrets(
  sources: Values['sources'],
  dialects: DialectDeclarations,
  ofSources: readonly SourceValues[],
): boolean {
  return sources.some(({ name, dialect }, n) => {
    const declared = dialects[dialect] as DialectDeclaration;
    return declared.needsSecret || declared.create(name, ofSources[n]?.settings ?? {}).authenticate === undefined;
  });
}

function missingKeys(
  { host = '', isAuthRequired, apiKeys, callbackSecrets }: Partial<Values>,
  needsSecrets: boolean,
): string[] {
  const required = { API_KEYS: apiKeys, ...(needsSecrets && { CALLBACK_SECRETS: callbackSecrets }) };
  const missing = Object.entries(required).flatMap(([name, keys]) => (keys?.length === 0 ? [name] : []));
  return isAuthRequired && !isLoopback(host) && missing.length > 0
    ? [
        `HOST is not a loopback address, so other machines may reach the service: set ${missing.join(' and ')}, or AUTH=off if none can`,
      ]
    : [];
}

/**
 * A participant that is forgotten while present would never be announced as gone. `policies`: of each source, where it differs
 * from the settings for all.
 */
function conflictingTimes(
  { retentionMs = Number.POSITIVE_INFINITY, sources = [] as never, ...values }: Partial<Values>,
  policies: readonly Partial<PresencePolicy>[],
): string[] {
  const { graceMs = 0, leaveGraceMs = 0, maxConnectionMs = 0 } = values;
  const minimums = { GRACE_MS: graceMs, LEAVE_GRACE_MS: leaveGraceMs, MAX_CONNECTION_MS: maxConnectionMs };
  const ofSources = sources.flatMap(({ name }, n): [string, number][] => {
    const { graceMs: grace = 0, maxConnectionMs: connection = 0 } = policies[n] ?? {};
    return [
      [`the grace period of the source ${name}`, grace],
      [`the longest connection of the source ${name}`, connection],
    ];
  });
  return [...Object.entries(minimums), ...ofSources].flatMap(([name, timeMs]) =>
    retentionMs < timeMs ? [`RETENTION_MS must be at least ${name}`] : [],
  );
}

/** Each stream occupies a connection, and callbacks need some, too. */
function conflictingLimits({ maxStreams = 0, maxConnections = Number.POSITIVE_INFINITY }: Partial<Values>): string[] {
  return maxStreams >= maxConnections
    ? ['MAX_STREAMS must be less than MAX_CONNECTIONS, or streams leave no connection for callbacks']
    : [];
}

/** Signatures over the URL cannot be checked without knowing how the provider spells it. */
function missingPublicUrl({ sources, publicUrl }: Partial<Values>, dialects: DialectDeclarations): string[] {
  const signed = sources?.find(({ dialect }) => dialects[dialect]?.signsUrl);
  if (!signed || publicUrl !== undefined) return [];
  return [`PUBLIC_URL must be set, because the signatures of the source ${signed.name} cover it`];
}

type SourceValues = Pick<AppSettings['sources'][0], 'policy' | 'settings'>;

/** `ofSources`: of each source, in the order of the sources. */
function group(values: Values, ofSources: readonly SourceValues[]): Omit<Config, 'traces' | 'warnings'> {
  const { host, port, logLevel, redisPrefix, dataDir, graceMs, leaveGraceMs, overlapMs } = values;
  const { maxConnectionMs, clockSkewMs, retentionMs, feedRetentionMs, feedMaxBytes, maxStreams, publicUrl } = values;
  const { isAuthRequired, apiKeys, callbackSecrets, trustProxy, corsOrigins, rateLimitPerMinute } = values;
  const { workers, maxConnections, maxInFlight, keepAliveMs, shutdownDelayMs, callbacksPerMinutePerUrl } = values;
  const { maxParticipants, newParticipantsPerMinute, sources, spoolMaxBytes, spoolMaxAgeMs } = values;
  const { quarantineMaxCount, quarantineMaxBytes, quarantineRetentionMs } = values;
  const { metricsPort, metricsHost, metricsTags, indexedLabels } = values;
  const redis = redisAddress(values);
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
      redisShards: values.redisShards,
      unsafeRedis: values.unsafeRedis,
      durability: values.durability,
      dataDir,
      sources: sources.map(({ name }) => name),
      replayWindowMs,
    },
    replayWindowMs,
    reconcileMs: values.reconcileMs,
    sources: [withValues(first, ofSources[0]), ...others.map((source, n) => withValues(source, ofSources[n + 1]))],
    policy: { ...DEFAULT_POLICY, graceMs, leaveGraceMs, overlapMs, maxConnectionMs, clockSkewMs, retentionMs },
    maxParticipants,
    indexedLabels,
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
    forward:
      values.forwardTo === undefined
        ? undefined
        : { dataDir, url: values.forwardTo, apiKey: values.forwardApiKey, maxBytes: spoolMaxBytes },
    metricsSettings: {
      address: metricsPort === undefined ? undefined : { host: metricsHost, port: metricsPort },
      tags: metricsTags,
      dataDir,
    },
    quarantine: { maxCount: quarantineMaxCount, maxBytes: quarantineMaxBytes, retentionMs: quarantineRetentionMs },
    history: { place: historyPlace(values), retentionMs: values.historyRetentionMs },
    webhooks: {
      isHttpAllowed: values.isWebhookHttpAllowed,
      allowedNetworks: values.webhookAllowedNetworks,
      declared: values.webhookEndpoints,
      vacatedDelayMs: values.vacatedDelayMs,
    },
    isConsoleOn: values.isConsoleOn,
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

/** Several processes cannot share an SQLite file, and with Redis nobody knows how many there are. */
function historyPlace({ isHistoryOn, databaseUrl, redis, dataDir }: Values): AppSettings['history']['place'] {
  if (!isHistoryOn) return undefined;
  if (databaseUrl !== undefined) return { databaseUrl };
  return redis ? undefined : { dataDir };
}

function withValues(
  source: SourceSetting,
  { policy = {}, settings = {} }: SourceValues = {},
): AppSettings['sources'][0] {
  const isEmpty = (members: object) => Object.keys(members).length === 0;
  return { ...source, ...(!isEmpty(policy) && { policy }), ...(!isEmpty(settings) && { settings }) };
}

function storeName(redis: RedisAddress, prefix: string): string {
  return `${prefix} in Redis at ${formatRedisAddress(redis)}`;
}
