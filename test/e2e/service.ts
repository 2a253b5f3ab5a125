// Starts the real application on a free port with its own store, and provides a client for it.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { createApp } from '../../src/app.js';
import type { AccessSettings } from '../../src/auth/access-guard.js';
import { DEFAULT_POLICY, type PresencePolicy } from '../../src/domain/policy.js';
import type { FeedSettings } from '../../src/feed/feed.module.js';
import type { HistoryPlace } from '../../src/history/history-store.js';
import type { HttpSettings } from '../../src/http/http-server.js';
import { Refusals } from '../../src/http/refusals.js';
import type { QuarantineSettings } from '../../src/quarantine/quarantine-trimmer.js';
import { type Clock, systemClock } from '../../src/runtime/clock.js';
import type { ForwardTarget } from '../../src/sources/forwarding/forwarder.js';
import type { ConfiguredSource } from '../../src/sources/registry.js';
import type { Dialect } from '../../src/sources/source.js';
import type { SpoolLimits } from '../../src/spool/spool.js';
import { openStorage } from '../../src/storage/open-storage.js';
import type { Storage } from '../../src/storage/ports.js';
import { parseRedisUrl } from '../../src/storage/redis/client/parse-redis-url.js';
import type { TlsOptions } from '../../src/storage/redis/client/redis-address.js';
import type { Allowance } from '../../src/storage/redis/client/redis-fault.js';
import type { Durability } from '../../src/storage/redis/durability.js';
import type { WebhookSettings } from '../../src/webhooks/webhooks.module.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { watched } from '../contract/watched-storage.js';
import { closeOnce } from '../leftovers.js';

export interface ServiceOptions {
  readonly redisUrl?: string;
  /** To share data with another service, or to reopen it. */
  readonly redisPrefix?: string;
  readonly redisShards?: number;
  readonly redisTls?: TlsOptions;
  readonly unsafeRedis?: readonly Allowance[];
  readonly durability?: Durability;
  /** The same for SQLite. The caller removes the folder. */
  readonly dataDir?: string;
  readonly policy?: Partial<PresencePolicy>;
  readonly maxParticipants?: number;
  readonly indexedLabels?: readonly string[];
  /** With Redis; undefined: off. */
  readonly spool?: Partial<SpoolLimits>;
  readonly quarantine?: Partial<QuarantineSettings>;
  readonly replayWindowMs?: number;
  readonly reconcileMs?: number;
  /** Another service, which gets each callback as well. */
  readonly forward?: ForwardTarget & { readonly maxBytes?: number };
  /** undefined: off. `embedded`: SQLite in the data folder. */
  readonly history?: HistoryPlace | 'embedded';
  /** Loopback addresses over http are allowed. */
  readonly webhooks?: Partial<WebhookSettings>;
  readonly feed?: Partial<FeedSettings>;
  /** Default: off. */
  readonly isConsoleOn?: boolean;
  readonly access?: Partial<AccessSettings>;
  readonly http?: Partial<HttpSettings>;
  readonly metricsTags?: readonly string[];
  readonly clock?: Clock;
  readonly logLevel?: 'info' | 'trace';
  readonly sources?: readonly [ConfiguredSource, ...ConfiguredSource[]];
  readonly dialects?: Readonly<Record<string, Dialect>>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** undefined when the body is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
  readonly json: any;
}

export interface Service {
  readonly app: NestFastifyApplication;
  readonly url: string;
  readonly storage: Storage;
  /** Blocks loads of records, and so callbacks, until the returned function is called. */
  readonly holdLoads: () => () => void;
  /** The refusals so far. */
  readonly refusals: Refusals;
  /** The log lines so far, as objects. */
  readonly logged: readonly Record<string, unknown>[];
  readonly request: (path: string, init?: RequestInit) => Promise<Answer>;
  readonly post: (path: string, body: unknown) => Promise<Answer>;
  /** Sends a callback. Members that are not given are those of the example in the provider's documentation. */
  readonly callback: (parts?: Record<string, unknown>) => Promise<Answer>;
  readonly stop: () => Promise<void>;
}

/** The example in the provider's documentation, except for the event. */
export const SEED = {
  event: 'onConnect',
  timestamp: '1628786234676',
  participantId: '473f6544-92f7-4d67-9e77-bf2533cfff6d',
  deviceId: 'be199214-1a03-402a-a7b6-d002470a0465',
  tag: 'hello-world-phone',
};

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const {
    redisUrl,
    redisPrefix = randomUUID(),
    redisShards = 1,
    redisTls,
    unsafeRedis = [],
    durability = 'memory',
    isConsoleOn = false,
    policy,
    maxParticipants = 0,
    indexedLabels = [],
    spool,
    quarantine,
    replayWindowMs = 0,
    reconcileMs = 60_000,
    forward,
    webhooks,
    feed,
    access,
    http,
    clock = systemClock,
    logLevel = 'info',
    sources = [{ name: BANDWIDTH, dialect: 'bandwidth' }],
    dialects,
    metricsTags = [],
  } = options;
  const ownDataDir = mkdtempSync(join(tmpdir(), 'rollcall-e2e-'));
  const dataDir = options.dataDir ?? ownDataDir;
  const history = options.history === 'embedded' ? { dataDir } : options.history;
  const logged: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(line, _, done) {
      logged.push(JSON.parse(String(line)));
      done();
    },
  });
  const log = pino({ base: null, level: logLevel }, sink);
  const opened = await openStorage(
    {
      redis: redisUrl === undefined ? undefined : { ...parseRedisUrl(redisUrl), tls: redisTls },
      redisPrefix,
      redisShards,
      unsafeRedis: new Set(unsafeRedis),
      durability,
      dataDir,
      sources: sources.map(({ name }) => name),
      replayWindowMs,
    },
    clock,
    log,
  );
  const { storage, hold: holdLoads } = watched(opened);
  const app = await createApp({
    storage,
    workers: 1,
    replayWindowMs,
    reconcileMs,
    forward: forward && { dataDir, maxBytes: 1e8, ...forward },
    sources,
    ...(dialects && { dialects }),
    policy: { ...DEFAULT_POLICY, ...policy },
    feed: { retentionMs: 86_400_000, maxBytes: 1e8, maxStreams: 1_000, participantBytes: 1e8, ...feed },
    maxParticipants,
    indexedLabels,
    spool: spool && { dataDir, store: redisPrefix, maxBytes: 1e8, maxAgeMs: 86_400_000, ...spool },
    metricsSettings: { address: undefined, tags: metricsTags, dataDir },
    quarantine: { maxCount: 10_000, maxBytes: 1e8, retentionMs: 604_800_000, ...quarantine },
    history: { place: history, retentionMs: 7_776_000_000 },
    isConsoleOn,
    webhooks: {
      isHttpAllowed: true,
      allowedNetworks: ['127.0.0.0/8', '::1'],
      declared: [],
      vacatedDelayMs: 10_000,
      ...webhooks,
    },
    access: {
      isRequired: true,
      apiKeys: [],
      callbackSecrets: [],
      publicUrl: undefined,
      newParticipantsPerMinute: 0,
      ...access,
    },
    http: {
      trustProxy: [],
      maxConnections: 10_000,
      keepAliveMs: 620_000,
      maxInFlight: 10_000,
      corsOrigins: [],
      rateLimitPerMinute: 6_000,
      callbacksPerMinutePerUrl: 600,
      ...http,
    },
    clock,
    log,
  });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const request = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(url + path, init);
    const text = await response.text();
    const isJson = text !== '' && response.headers.get('content-type')?.includes('json');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
  };
  const post = (path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' };
    return request(path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
  };
  const callback = (parts?: Record<string, unknown>) => post('/callbacks/bandwidth', { ...SEED, ...parts });
  const stop = closeOnce(async () => {
    // Like the process: requests left incomplete by a failed test would otherwise keep the server open forever.
    const limit = setTimeout(() => app.getHttpServer().closeAllConnections(), 8_000);
    await app.close();
    clearTimeout(limit);
    rmSync(ownDataDir, { recursive: true, force: true });
  });
  const refusals = app.get(Refusals, { strict: false });
  return { app, url, storage, holdLoads, refusals, logged, request, post, callback, stop };
}
