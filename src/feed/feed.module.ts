import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { FeedLimits } from '../storage/ports.js';
import { ChangePoll } from './api/change-poll.js';
import { ChangeStreams } from './api/change-streams.js';
import { ChangesController } from './api/changes.controller.js';
import { FeedHub } from './feed-hub.js';
import { FeedGauges, FeedMetrics } from './feed-metrics.js';
import { FeedReader } from './feed-reader.js';
import { FEED_LIMITS, FeedTrimmer } from './feed-trimmer.js';
import { FollowerLimit } from './follower-limit.js';

export interface FeedSettings extends FeedLimits {
  /** Concurrent streams and polls. */
  readonly maxStreams: number;
  /** The quota of each participant. By default derived from the other settings: see feed-quota.ts. */
  readonly participantBytes?: number;
}

export interface FeedOptions extends Omit<FeedSettings, 'participantBytes'> {
  /** Must provide the storage ports. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
}

@Module({
  controllers: [ChangesController],
  providers: [FeedReader, FeedMetrics, FeedGauges, FeedHub, FeedTrimmer, ChangeStreams, ChangePoll],
  exports: [FeedHub, FeedReader, FeedTrimmer],
})
export class FeedModule implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  constructor(
    private readonly streams: ChangeStreams,
    private readonly poll: ChangePoll,
    private readonly hub: FeedHub,
    private readonly trimmer: FeedTrimmer,
  ) {}

  static forRoot({ imports, maxStreams, retentionMs, maxBytes }: FeedOptions): DynamicModule {
    const limits: FeedLimits = { retentionMs, maxBytes };
    return {
      module: FeedModule,
      imports,
      providers: [
        { provide: FEED_LIMITS, useValue: limits },
        { provide: FollowerLimit, useValue: new FollowerLimit(maxStreams) },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.trimmer.start();
  }

  /** Open streams and polls would keep the server from closing, which comes next. */
  onModuleDestroy(): void {
    this.streams.stop();
    this.poll.stop();
  }

  /** While the store is still open. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.hub.stop(), this.trimmer.stop()]);
  }
}
