import { type DynamicModule, Module } from '@nestjs/common';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.js';
import { MetricsServer } from './metrics-server.js';
import { addProcessMetrics, type ProcessFacts } from './process-metrics.js';
import { WorkerMetrics } from './worker-metrics.js';

export interface MetricsOptions extends ProcessFacts {
  /** Whether the metrics are served on a port of their own instead of on that of the service. */
  readonly hasOwnPort: boolean;
}

@Module({})
export class MetricsModule {
  static forRoot({ hasOwnPort, ...facts }: MetricsOptions): DynamicModule {
    return {
      module: MetricsModule,
      controllers: hasOwnPort ? [] : [MetricsController],
      providers: [
        MetricsServer,
        {
          provide: WorkerMetrics,
          useFactory: (metrics: Metrics) => {
            addProcessMetrics(metrics, facts);
            return new WorkerMetrics(metrics);
          },
          inject: [Metrics],
        },
      ],
    };
  }
}
