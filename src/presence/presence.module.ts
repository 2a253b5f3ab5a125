import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Logger } from 'pino';
import type { PresencePolicy } from '../domain/policy.js';
import { SourceNames } from '../http/source-names.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import type { PresenceStore } from '../storage/ports.js';
import { OccupancyController } from './api/occupancy.controller.js';
import { OperatorEndController } from './api/operator-end.controller.js';
import { ParticipantsController } from './api/participants.controller.js';
import { PurgeController } from './api/purge.controller.js';
import { PresenceReader } from './read/presence-reader.js';
import { DeadlineWorker } from './write/deadline-worker.js';
import type { FeedQuota } from './write/feed-quota.js';
import { ParticipantLimit } from './write/participant-limit.js';
import { Purge } from './write/purge.js';
import { Recorder } from './write/recorder.js';

/** For injection. */
export const PRESENCE_STORE = Symbol('PresenceStore');

export interface PresenceLimits {
  readonly quota: FeedQuota;
  /** In the store at once; 0: any number. */
  readonly maxParticipants: number;
}

@Module({ controllers: [ParticipantsController, OccupancyController, OperatorEndController, PurgeController] })
export class PresenceModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly deadlines: DeadlineWorker,
    @Inject(PRESENCE_STORE) private readonly store: PresenceStore,
  ) {}

  static with(
    store: PresenceStore,
    sources: SourceNames,
    policy: PresencePolicy,
    { quota, maxParticipants }: PresenceLimits,
  ): DynamicModule {
    return {
      module: PresenceModule,
      global: true,
      providers: [
        { provide: PRESENCE_STORE, useValue: store },
        { provide: SourceNames, useValue: sources },
        { provide: PresenceReader, useFactory: () => new PresenceReader(store) },
        {
          provide: Recorder,
          useFactory: (clock: Clock, log: Logger) => {
            const participants = new ParticipantLimit(store, clock, log, maxParticipants);
            return new Recorder(store, clock, policy, log, { quota, participants });
          },
          inject: [CLOCK, LOG],
        },
        {
          provide: Purge,
          useFactory: (reader: PresenceReader, recorder: Recorder) => new Purge(reader, recorder),
          inject: [PresenceReader, Recorder],
        },
        {
          provide: DeadlineWorker,
          useFactory: (recorder: Recorder, clock: Clock, log: Logger) =>
            new DeadlineWorker(store, recorder, clock, log),
          inject: [Recorder, CLOCK, LOG],
        },
      ],
      exports: [PRESENCE_STORE, SourceNames, Recorder, DeadlineWorker],
    };
  }

  onApplicationBootstrap(): void {
    this.deadlines.start();
  }

  /** After the last request was answered, so nothing is left for the store to do but the worker's round. */
  async onApplicationShutdown(): Promise<void> {
    await this.deadlines.stop();
    await this.store.close();
  }
}
