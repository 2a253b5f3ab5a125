import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { AccessSettings } from './auth/doors.js';
import { CallbacksModule } from './callbacks/callbacks.module.js';
import { ChangesModule, type FeedSettings } from './changes/changes.module.js';
import { HealthModule } from './health/health.module.js';
import type { Clock } from './platform/clock.js';
import type { HttpSettings } from './platform/http-server.js';
import { PlatformModule, type PlatformParts } from './platform/platform.module.js';
import type { PresencePolicy } from './presence/domain/policy.js';
import { FeedQuota } from './presence/feed-quota.js';
import { PresenceModule } from './presence/presence.module.js';
import type { PresenceStore } from './presence/presence-store.js';

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
