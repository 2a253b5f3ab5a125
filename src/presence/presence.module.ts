import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Logger } from 'pino';
import { CLOCK, type Clock } from '../platform/clock.js';
import { LOG } from '../platform/logging.js';
import { DeadlineWorker } from './deadlines.js';
import type { PresencePolicy } from './domain/policy.js';
import type { FeedQuota } from './feed-quota.js';
import { OccupancyController } from './occupancy.controller.js';
import { OperatorEndController } from './operator-end.controller.js';
import { ParticipantLimit } from './participant-limit.js';
import { ParticipantsController } from './participants.controller.js';
import { PresenceReader } from './presence-reader.js';
import type { PresenceStore } from './presence-store.js';
import { PurgeController } from './purge.controller.js';
import { Purge } from './purge.js';
import { Recorder } from './recorder.js';
import { SOURCES, SourceNames } from './source-names.js';

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

  static with(store: PresenceStore, policy: PresencePolicy, { quota, maxParticipants }: PresenceLimits): DynamicModule {
    return {
      module: PresenceModule,
      global: true,
      providers: [
        { provide: PRESENCE_STORE, useValue: store },
        { provide: SourceNames, useValue: new SourceNames(SOURCES) },
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
