import {
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { PolicyOf } from '../domain/policy.js';
import { AvailabilityController } from './api/availability.controller.js';
import { ExplainController } from './api/explain.controller.js';
import { LabelsController } from './api/labels.controller.js';
import { OccupancyController } from './api/occupancy.controller.js';
import { OperatorEndController } from './api/operator-end.controller.js';
import { ParticipantsController } from './api/participants.controller.js';
import { PurgeController } from './api/purge.controller.js';
import { METRICS_TAGS, PresenceMetrics } from './read/presence-metrics.js';
import { PresenceReader } from './read/presence-reader.js';
import { DeadlineWorker } from './write/deadline-worker.js';
import { FeedQuota } from './write/feed-quota.js';
import { INDEXED_LABELS, LabelIndexer } from './write/label-indexer.js';
import { MAX_PARTICIPANTS, ParticipantLimit } from './write/participant-limit.js';
import { Purge } from './write/purge.js';
import { POLICY_OF, Recorder } from './write/recorder.js';
import { RecorderMetrics } from './write/recorder-metrics.js';

export interface PresenceOptions {
  /** Must provide the storage ports. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly policyOf: PolicyOf;
  readonly quota: FeedQuota;
  /** 0: no limit. */
  readonly maxParticipants: number;
  readonly indexedLabels: readonly string[];
  /** Those whose participants are counted in the metrics. */
  readonly metricsTags: readonly string[];
}

@Module({
  controllers: [
    ParticipantsController,
    ExplainController,
    OccupancyController,
    OperatorEndController,
    AvailabilityController,
    LabelsController,
    PurgeController,
  ],
  providers: [
    PresenceReader,
    PresenceMetrics,
    Recorder,
    RecorderMetrics,
    ParticipantLimit,
    Purge,
    DeadlineWorker,
    LabelIndexer,
  ],
  exports: [Recorder, DeadlineWorker, POLICY_OF],
})
export class PresenceModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly deadlines: DeadlineWorker,
    private readonly labels: LabelIndexer,
  ) {}

  static forRoot({
    imports,
    policyOf,
    quota,
    maxParticipants,
    indexedLabels,
    metricsTags,
  }: PresenceOptions): DynamicModule {
    return {
      module: PresenceModule,
      imports,
      providers: [
        { provide: POLICY_OF, useValue: policyOf },
        { provide: FeedQuota, useValue: quota },
        { provide: MAX_PARTICIPANTS, useValue: maxParticipants },
        { provide: INDEXED_LABELS, useValue: indexedLabels },
        { provide: METRICS_TAGS, useValue: metricsTags },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.deadlines.start();
    this.labels.start();
  }

  /** Requests have been answered by now, so only these still use the store. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.deadlines.stop(), this.labels.stop()]);
  }
}
