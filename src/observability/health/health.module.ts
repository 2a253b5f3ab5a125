import { type DynamicModule, type FactoryProvider, Module, type ModuleMetadata } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { HEALTH_CHECKS, type HealthCheck } from './health-check.js';
import { HealthMetrics } from './health-metrics.js';
import { Readiness } from './readiness.js';

type HealthOptions = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<readonly HealthCheck[]>, 'inject' | 'useFactory'>;

@Module({ controllers: [HealthController] })
export class HealthModule {
  /** `useFactory` returns the checks. */
  static forRootAsync({ imports = [], ...factory }: HealthOptions): DynamicModule {
    return {
      module: HealthModule,
      imports,
      providers: [{ provide: HEALTH_CHECKS, ...factory }, Readiness, HealthMetrics],
    };
  }
}
