import { type DynamicModule, Module } from '@nestjs/common';
import type { AccessSettings } from '../auth/access-guard.js';
import { PRESENCE_STORE } from '../presence/presence.module.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import type { PresenceStore } from '../storage/ports.js';
import { NewParticipantLimit } from './authentication/new-participant-limit.js';
import { BandwidthController } from './bandwidth/bandwidth.controller.js';
import { Bindings } from './callback-urls/bindings.js';
import { ACCESS, CallbackUrlsController } from './callback-urls/callback-urls.controller.js';

@Module({ controllers: [BandwidthController, CallbackUrlsController] })
export class CallbacksModule {
  static with(access: AccessSettings): DynamicModule {
    return {
      module: CallbacksModule,
      providers: [
        { provide: ACCESS, useValue: access },
        {
          provide: NewParticipantLimit,
          useFactory: (clock: Clock) => new NewParticipantLimit(access.newParticipantsPerMinute, clock),
          inject: [CLOCK],
        },
        { provide: Bindings, useFactory: (store: PresenceStore) => new Bindings(store), inject: [PRESENCE_STORE] },
      ],
    };
  }
}
