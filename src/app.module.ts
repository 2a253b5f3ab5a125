import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { AccessSettings } from './auth/access-guard.js';
import { BackupsModule } from './backups/backups.module.js';
import type { PresencePolicy } from './domain/policy.js';
import { FeedModule, type FeedSettings } from './feed/feed.module.js';
import { HistoryModule, type HistorySettings } from './history/history.module.js';
import { HistoryStore } from './history/history-store.js';
import type { HttpSettings } from './http/http-server.js';
import { IncidentsModule } from './incidents/incidents.module.js';
import { HealthModule } from './observability/health/health.module.js';
import type { HealthCheck } from './observability/health/health-check.js';
import { MetricsModule } from './observability/metrics/metrics.module.js';
import type { MetricsAddress } from './observability/metrics/metrics-server.js';
import type { Tracer } from './observability/tracing/tracer.js';
import { PresenceModule } from './presence/presence.module.js';
import { DeadlineWorker } from './presence/write/deadline-worker.js';
import { FeedQuota, participantQuotaBytes } from './presence/write/feed-quota.js';
import { QuarantineModule } from './quarantine/quarantine.module.js';
import type { QuarantineSettings } from './quarantine/quarantine-trimmer.js';
import { ReconcileModule } from './reconcile/reconcile.module.js';
import type { Clock } from './runtime/clock.js';
import { RuntimeModule, type RuntimeParts } from './runtime/runtime.module.js';
import { VERSION } from './runtime/version.js';
import type { ForwardSettings } from './sources/forwarding/create-forwarder.js';
import { Forwarder } from './sources/forwarding/forwarder.js';
import { type ConfiguredSource, SourceRegistry } from './sources/registry.js';
import type { Dialect } from './sources/source.js';
import { SourcesModule } from './sources/sources.module.js';
import { Spool } from './spool/spool.js';
import { SpoolModule, type SpoolSettings } from './spool/spool.module.js';
import { type Storage, StoreUnavailableError } from './storage/ports.js';
import { StorageModule } from './storage/storage.module.js';
import { STORAGE } from './storage/tokens.js';
import { SystemModule } from './system/system.module.js';
import { type WebhookSettings, WebhooksModule } from './webhooks/webhooks.module.js';

interface MetricsSettings {
  /** undefined: the metrics are served by the service itself. */
  readonly address: MetricsAddress | undefined;
  /** Those whose participants are counted. */
  readonly tags: readonly string[];
  /** Its free space is shown. */
  readonly dataDir: string;
}

export interface AppSettings {
  /** The number of processes that share the port, including this one. */
  readonly workers: number;
  readonly sources: readonly [ConfiguredSource, ...ConfiguredSource[]];
  /** Sources may override parts of it. */
  readonly policy: PresencePolicy;
  /** In the store at the same time; 0: no limit. */
  readonly maxParticipants: number;
  /** The names of those by which participants can be listed and counted. */
  readonly indexedLabels: readonly string[];
  readonly feed: FeedSettings;
  /** undefined: callbacks that the store cannot take are refused. */
  readonly spool: SpoolSettings | undefined;
  readonly metricsSettings: MetricsSettings;
  readonly quarantine: QuarantineSettings;
  /** How long events are kept, to apply them again if the store loses them; 0: never. */
  readonly replayWindowMs: number;
  /** undefined: callbacks are not forwarded to another Rollcall. */
  readonly forward: ForwardSettings | undefined;
  /** Between two polls of the list of a provider; 0: providers are not asked. */
  readonly reconcileMs: number;
  readonly history: HistorySettings;
  readonly webhooks: WebhookSettings;
  readonly isConsoleOn: boolean;
  readonly access: AccessSettings;
  readonly http: HttpSettings;
}

export interface AppParts extends AppSettings {
  readonly storage: Storage;
  /** Default: those of the registry. */
  readonly dialects?: Readonly<Record<string, Dialect>>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Default: traces are off. */
  readonly tracer?: Tracer;
}

const UP = { status: 'up' } as const;
/** Grace periods and ages would be wrong by more than most of them last. */
const MAX_CLOCK_DIFFERENCE_MS = 60_000;

@Module({})
export class AppModule {
  static forRoot({
    storage,
    policy,
    maxParticipants,
    indexedLabels,
    feed,
    spool,
    metricsSettings: { address: metricsAddress, tags: metricsTags, dataDir },
    quarantine,
    replayWindowMs,
    forward,
    reconcileMs,
    history,
    webhooks,
    access,
    workers,
    sources,
    dialects,
    http,
    ...runtime
  }: AppParts & RuntimeParts): DynamicModule {
    const storageModule = StorageModule.forRoot(storage);
    const spoolModule = SpoolModule.forRoot(spool);
    const quarantineModule = QuarantineModule.forRoot([storageModule], quarantine);
    const registry = new SourceRegistry(sources, dialects, policy);
    const presenceModule = PresenceModule.forRoot({
      imports: [storageModule],
      policyOf: (source) => registry.policyOf(source),
      quota: new FeedQuota(feed.participantBytes ?? participantQuotaBytes(feed.maxBytes, workers), feed.retentionMs),
      maxParticipants,
      indexedLabels,
      metricsTags,
    });
    const feedModule = FeedModule.forRoot({ imports: [storageModule], ...feed });
    const sourcesModule = SourcesModule.forRoot({
      imports: [storageModule, presenceModule, spoolModule, quarantineModule],
      registry,
      access,
      callbacksPerMinutePerUrl: http.callbacksPerMinutePerUrl,
      replayWindowMs,
      forward,
    });
    const historyModule = HistoryModule.forRoot({ imports: [storageModule, presenceModule, feedModule], ...history });
    return {
      module: AppModule,
      imports: [
        RuntimeModule.forRoot(runtime),
        storageModule,
        presenceModule,
        feedModule,
        quarantineModule,
        sourcesModule,
        ReconcileModule.forRoot({
          imports: [storageModule, presenceModule, feedModule],
          intervalMs: reconcileMs,
          sources: registry.observed,
          summaries: registry.all.map(({ name, missingSettings: needs }) => ({ name, needs })),
        }),
        historyModule,
        WebhooksModule.forRoot({ ...webhooks, imports: [storageModule, feedModule], publicUrl: access.publicUrl }),
        MetricsModule.forRoot({
          hasOwnPort: metricsAddress !== undefined,
          version: VERSION,
          workers,
          store: storage.kind,
          dataDir,
        }),
        SystemModule.forRoot({
          imports: [storageModule, sourcesModule],
          store: storage.kind,
          sources,
          feed,
          hasHistory: history.place !== undefined,
          publicUrl: access.publicUrl,
        }),
        IncidentsModule.forRoot([storageModule]),
        BackupsModule.forRoot([storageModule]),
        HealthModule.forRootAsync({
          imports: [storageModule, presenceModule, spoolModule, sourcesModule, historyModule],
          inject: [STORAGE, DeadlineWorker, Spool, Forwarder, HistoryStore],
          useFactory: healthChecks,
        }),
      ],
    };
  }
}

/** While the store is down, callbacks can be accepted if they can be spooled. Deadlines wait for the store. */
function healthChecks(
  storage: Storage,
  deadlines: DeadlineWorker,
  spool: Spool,
  forwarder: Forwarder,
  history: HistoryStore,
): HealthCheck[] {
  const down = (message: string) => ({ status: 'down', message }) as const;
  let isSpooling = false;
  const isOptional = () => isSpooling;
  const checkStore = async () => {
    const failure = await storage.check().then(
      () => undefined,
      (error: unknown) => error,
    );
    isSpooling = failure !== undefined && spool.canAdd();
    if (failure === undefined) return UP;
    const advice = failure instanceof StoreUnavailableError ? failure.advice : undefined;
    return down(`cannot be reached or written to${advice === undefined ? '' : `: ${advice}`}`);
  };
  const checkDeadlines = async () => (deadlines.isAlive() ? UP : down('have not been processed for a while'));
  const checkClock = async () => {
    const { clockAheadMs } = storage;
    if (clockAheadMs === undefined) return UP;
    const isOff = Math.abs(clockAheadMs) > MAX_CLOCK_DIFFERENCE_MS;
    return { ...(isOff ? down('differs from that of Redis by more than a minute') : UP), aheadMs: clockAheadMs };
  };
  // While the store is down, neither number is known.
  const openIncidents = () =>
    storage.incidents.list().then(
      ({ length }) => length,
      () => undefined,
    );
  const checkHistory = async () => (history.isAvailable ? UP : down('cannot be read or written'));
  const checkSpool = async () => {
    const { state } = spool;
    return state ? { ...UP, ...state } : down('cannot be read');
  };
  const checkIncidents = async () => ({ ...UP, open: await openIncidents() });
  const checkQuarantine = async () => ({ ...UP, entries: await storage.quarantine.size().catch(() => undefined) });
  return [
    { name: 'store', check: checkStore, isOptional },
    { name: 'clock', check: checkClock },
    { name: 'incidents', check: checkIncidents },
    { name: 'quarantine', check: checkQuarantine },
    { name: 'deadlines', check: checkDeadlines, isOptional },
    // Presence does not depend on it.
    ...(history.place ? [{ name: 'history', check: checkHistory, isOptional: () => true }] : []),
    ...(spool.state ? [{ name: 'spool', check: checkSpool, isOptional: () => true }] : []),
    ...(forwarder.state ? [{ name: 'forward', check: async () => ({ ...UP, ...forwarder.state }) }] : []),
  ];
}
