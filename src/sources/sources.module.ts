import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import type { AccessSettings } from '../auth/access-guard.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { CallbackAuthenticator } from './authentication/callback-authenticator.js';
import { CallbackUrlLimit } from './authentication/callback-url-limit.js';
import { NewParticipantLimit } from './authentication/new-participant-limit.js';
import { CallbackMetrics } from './callback-metrics.js';
import { CallbackReceiver } from './callback-receiver.js';
import { CallbackReplay } from './callback-replay.js';
import { Bindings } from './callback-urls/bindings.js';
import { ACCESS, CallbackUrlsController } from './callback-urls/callback-urls.controller.js';
import { CallbacksController } from './callbacks.controller.js';
import { ClockWarnings } from './clock-warnings.js';
import { EndsWithoutParticipant } from './ends-without-participant.js';
import { EventIntake, REPLAY_WINDOW } from './event-intake.js';
import { CallbackFastPath } from './fast-path.js';
import { RefusedCallbacks } from './refused-callbacks.js';
import { SourceRegistry } from './registry.js';
import { ReplayWindow } from './replay-window.js';

export interface SourcesOptions {
  /** The modules of the store, of presence, of the spool and of the quarantine. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly registry: SourceRegistry;
  readonly access: AccessSettings;
  /** For each minted URL; 0: no limit. */
  readonly callbacksPerMinutePerUrl: number;
  /** 0: no events are kept. */
  readonly replayWindowMs: number;
}

@Module({ controllers: [CallbackUrlsController] })
export class SourcesModule {
  static forRoot({
    imports,
    registry,
    access,
    callbacksPerMinutePerUrl,
    replayWindowMs,
  }: SourcesOptions): DynamicModule {
    const { callbackSecrets: secrets, isRequired, newParticipantsPerMinute } = access;
    const urlLimit = new CallbackUrlLimit(callbacksPerMinutePerUrl);
    return {
      module: SourcesModule,
      imports,
      providers: [
        CallbacksController,
        CallbackReceiver,
        CallbackReplay,
        RefusedCallbacks,
        EventIntake,
        EndsWithoutParticipant,
        { provide: REPLAY_WINDOW, useValue: new ReplayWindow(replayWindowMs) },
        CallbackFastPath,
        { provide: ACCESS, useValue: access },
        { provide: SourceRegistry, useValue: registry },
        { provide: CallbackAuthenticator, useValue: new CallbackAuthenticator({ secrets, isRequired }, urlLimit) },
        {
          provide: NewParticipantLimit,
          useFactory: (clock: Clock) => new NewParticipantLimit(newParticipantsPerMinute, clock),
          inject: [CLOCK],
        },
        Bindings,
        CallbackMetrics,
        ClockWarnings,
      ],
    };
  }
}
