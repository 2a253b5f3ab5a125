import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import type { Logger } from 'pino';
import type { AccessSettings } from '../auth/access-guard.js';
import { LOG } from '../observability/logging.js';
import { Metrics } from '../observability/metrics/metrics.js';
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
import { createForwarder, type ForwardSettings } from './forwarding/create-forwarder.js';
import { ForwardedCallbacksController } from './forwarding/forwarded-callbacks.controller.js';
import { ForwardedCallbacks } from './forwarding/forwarded-callbacks.js';
import { Forwarder } from './forwarding/forwarder.js';
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
  /** undefined: callbacks are not forwarded. */
  readonly forward: ForwardSettings | undefined;
}

@Module({ controllers: [CallbackUrlsController, ForwardedCallbacksController] })
export class SourcesModule {
  static forRoot({
    imports,
    registry,
    access,
    callbacksPerMinutePerUrl,
    replayWindowMs,
    forward,
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
        ForwardedCallbacks,
        {
          provide: Forwarder,
          useFactory: (clock: Clock, log: Logger, metrics: Metrics) =>
            createForwarder(forward, { clock, log, metrics }),
          inject: [CLOCK, LOG, Metrics],
        },
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
      exports: [Forwarder, CallbackMetrics],
    };
  }
}
