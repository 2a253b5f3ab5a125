import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ReconciliationController, SOURCE_SUMMARIES, type SourceSummary } from './api/reconciliation.controller.js';
import { ObservationRecorder } from './observation-recorder.js';
import { RECONCILIATION, Reconciliation, type ReconciliationSettings } from './reconciliation.js';
import { ReconciliationMetrics } from './reconciliation-metrics.js';

export interface ReconcileOptions extends ReconciliationSettings {
  /** The modules of the store, of presence and of the feed. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly summaries: readonly SourceSummary[];
}

@Module({
  controllers: [ReconciliationController],
  providers: [Reconciliation, ReconciliationMetrics, ObservationRecorder],
})
export class ReconcileModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly reconciliation: Reconciliation) {}

  static forRoot({ imports, summaries, intervalMs, sources }: ReconcileOptions): DynamicModule {
    const settings: ReconciliationSettings = { intervalMs, sources };
    return {
      module: ReconcileModule,
      imports,
      providers: [
        { provide: RECONCILIATION, useValue: settings },
        { provide: SOURCE_SUMMARIES, useValue: summaries },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.reconciliation.start();
  }

  /** While the feed and the store are still there. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.reconciliation.stop();
  }
}
