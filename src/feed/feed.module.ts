import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { PRESENCE_STORE } from '../presence/presence.module.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import type { FeedLimits, PresenceStore } from '../storage/ports.js';
import { ChangePoll } from './api/change-poll.js';
import { ChangeStreams } from './api/change-streams.js';
import { ChangesController } from './api/changes.controller.js';
import { FeedHub } from './feed-hub.js';
import { FeedReader } from './feed-reader.js';
import { FeedTrimmer } from './feed-trimmer.js';
import { FollowerLimit } from './follower-limit.js';

export interface FeedSettings extends FeedLimits {
  /** Streams and polls at once. */
  readonly maxStreams: number;
  /** The quota of each participant, if it is not to follow from the others: see feed-quota.ts. */
  readonly participantBytes?: number;
}

@Module({ controllers: [ChangesController] })
export class ChangesModule implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  constructor(
    private readonly streams: ChangeStreams,
    private readonly poll: ChangePoll,
    private readonly hub: FeedHub,
    private readonly trimmer: FeedTrimmer,
  ) {}

  static with({ maxStreams, ...limits }: FeedSettings): DynamicModule {
    const limit = new FollowerLimit(maxStreams);
    const inject = [PRESENCE_STORE, FeedReader, FeedHub, CLOCK, LOG];
    return {
      module: ChangesModule,
      providers: [
        {
          provide: FeedReader,
          useFactory: (store: PresenceStore, log: Logger) => new FeedReader(store, log),
          inject: [PRESENCE_STORE, LOG],
        },
        {
          provide: FeedHub,
          useFactory: (store: PresenceStore, reader: FeedReader, log: Logger) => new FeedHub(store, reader, log),
          inject: [PRESENCE_STORE, FeedReader, LOG],
        },
        {
          provide: ChangeStreams,
          useFactory: (store: PresenceStore, reader: FeedReader, hub: FeedHub, clock: Clock, log: Logger) =>
            new ChangeStreams({ store, reader, hub, limit, clock, log }),
          inject,
        },
        {
          provide: ChangePoll,
          useFactory: (store: PresenceStore, reader: FeedReader, hub: FeedHub, clock: Clock) =>
            new ChangePoll({ store, reader, hub, limit, clock }),
          inject,
        },
        {
          provide: FeedTrimmer,
          useFactory: (store: PresenceStore, clock: Clock, log: Logger) => new FeedTrimmer(store, limits, clock, log),
          inject: [PRESENCE_STORE, CLOCK, LOG],
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.trimmer.start();
  }

  /** Those who follow would keep the server from closing, which comes next. */
  onModuleDestroy(): void {
    this.streams.stop();
    this.poll.stop();
  }

  /** While there is still a store. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.hub.stop(), this.trimmer.stop()]);
  }
}
