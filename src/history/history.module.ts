import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  Module,
  type ModuleMetadata,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ConnectionsController } from './api/connections.controller.js';
import { PastPresenceController } from './api/presence.controller.js';
import { StatisticsController } from './api/statistics.controller.js';
import { Connections } from './connections.js';
import { HistoryMetrics } from './history-metrics.js';
import { HISTORY_PLACE, type HistoryPlace, HistoryStore } from './history-store.js';
import { PastPresence } from './past-presence.js';
import { Projector } from './projector.js';
import { HISTORY_RETENTION, Pruner } from './pruner.js';
import { Rebuild } from './rebuild.js';
import { Statistics } from './statistics.js';

export interface HistorySettings {
  /** undefined: history is off. */
  readonly place: HistoryPlace | undefined;
  /** How long a connection is kept after its end. */
  readonly retentionMs: number;
}

interface HistoryOptions extends HistorySettings {
  /** The modules of the store, of presence and of the feed. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
}

@Module({
  controllers: [ConnectionsController, PastPresenceController, StatisticsController],
  providers: [Connections, PastPresence, Statistics, HistoryStore, HistoryMetrics, Projector, Rebuild, Pruner],
  exports: [HistoryStore],
})
export class HistoryModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly projector: Projector,
    private readonly store: HistoryStore,
  ) {}

  static forRoot({ imports, place, retentionMs }: HistoryOptions): DynamicModule {
    return {
      module: HistoryModule,
      imports,
      providers: [
        { provide: HISTORY_PLACE, useValue: place },
        { provide: HISTORY_RETENTION, useValue: retentionMs },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.store.prepare();
    this.projector.start();
  }

  /** While the feed and the store are still there. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.projector.stop();
  }
}
