import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { AccessSettings } from './auth/access-guard.js';
import type { PresencePolicy } from './domain/policy.js';
import { ChangesModule, type FeedSettings } from './feed/feed.module.js';
import type { HttpSettings } from './http/http-server.js';
import { HealthModule } from './observability/health/health.module.js';
import { PresenceModule } from './presence/presence.module.js';
import { FeedQuota } from './presence/write/feed-quota.js';
import type { Clock } from './runtime/clock.js';
import { PlatformModule, type PlatformParts } from './runtime/runtime.module.js';
import { CallbacksModule } from './sources/sources.module.js';
import type { PresenceStore } from './storage/ports.js';

export interface AppSettings {
  readonly policy: PresencePolicy;
  /** In the store at once; 0: any number. */
  readonly maxParticipants: number;
  readonly feed: FeedSettings;
  readonly access: AccessSettings;
  readonly http: HttpSettings;
}

export interface AppParts extends AppSettings {
  readonly store: PresenceStore;
  readonly clock: Clock;
  readonly log: Logger;
}

@Module({})
export class AppModule {
  static with({ store, policy, maxParticipants, feed, access, ...shared }: AppParts & PlatformParts): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(shared),
        PresenceModule.with(store, policy, {
          quota: new FeedQuota(feed.participantBytes, feed.retentionMs),
          maxParticipants,
        }),
        ChangesModule.with(feed),
        CallbacksModule.with(access),
        HealthModule,
      ],
    };
  }
}
