import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { AccessSettings } from './auth/access-guard.js';
import type { PresencePolicy } from './domain/policy.js';
import { ChangesModule, type FeedSettings } from './feed/feed.module.js';
import type { HttpSettings } from './http/http-server.js';
import { SourceNames } from './http/source-names.js';
import { HealthModule } from './observability/health/health.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { FeedQuota, participantQuotaBytes } from './presence/write/feed-quota.js';
import type { Clock } from './runtime/clock.js';
import { PlatformModule, type PlatformParts } from './runtime/runtime.module.js';
import { type ConfiguredSource, SourceRegistry } from './sources/registry.js';
import type { Dialect } from './sources/source.js';
import { SourcesModule } from './sources/sources.module.js';
import type { PresenceStore } from './storage/ports.js';

export interface AppSettings {
  /** Processes of this service that share the port, of which this is one. */
  readonly workers: number;
  readonly sources: readonly [ConfiguredSource, ...ConfiguredSource[]];
  readonly policy: PresencePolicy;
  /** In the store at once; 0: any number. */
  readonly maxParticipants: number;
  readonly feed: FeedSettings;
  readonly access: AccessSettings;
  readonly http: HttpSettings;
}

export interface AppParts extends AppSettings {
  readonly store: PresenceStore;
  /** Instead of those of the registry. */
  readonly dialects?: Readonly<Record<string, Dialect>>;
  readonly clock: Clock;
  readonly log: Logger;
}

@Module({})
export class AppModule {
  static with({
    store,
    policy,
    maxParticipants,
    feed,
    access,
    workers,
    sources,
    dialects,
    http,
    ...shared
  }: AppParts & PlatformParts): DynamicModule {
    const [first, ...others] = sources;
    const names = [first.name, ...others.map(({ name }) => name)] as const;
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(shared),
        PresenceModule.with(store, new SourceNames(names), policy, {
          quota: new FeedQuota(
            feed.participantBytes ?? participantQuotaBytes(feed.maxBytes, workers),
            feed.retentionMs,
          ),
          maxParticipants,
        }),
        ChangesModule.with(feed),
        SourcesModule.forRoot({
          registry: new SourceRegistry(sources, dialects),
          access,
          callbacksPerMinutePerUrl: http.callbacksPerMinutePerUrl,
        }),
        HealthModule,
      ],
    };
  }
}
