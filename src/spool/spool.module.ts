import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { Metrics } from '../observability/metrics/metrics.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { openSpoolFiles } from './open-spool.js';
import { Spool, type SpoolLimits } from './spool.js';
import { addSpoolMetrics } from './spool-metrics.js';

export interface SpoolSettings extends SpoolLimits {
  readonly dataDir: string;
  /** Names the store that the events are for. */
  readonly store: string;
}

@Module({})
export class SpoolModule {
  /** `settings`: undefined if events are not spooled. */
  static forRoot(settings: SpoolSettings | undefined): DynamicModule {
    const limits = settings ?? { maxBytes: 0, maxAgeMs: 0 };
    const spool = {
      provide: Spool,
      useFactory: (clock: Clock, log: Logger, metrics: Metrics) => {
        const files = settings ? openSpoolFiles({ ...settings, name: 'spool' }, log) : [];
        const created = new Spool(files, limits, { clock, log });
        addSpoolMetrics(metrics, created, limits.maxBytes);
        return created;
      },
      inject: [CLOCK, LOG, Metrics],
    };
    return { module: SpoolModule, providers: [spool], exports: [spool] };
  }
}
