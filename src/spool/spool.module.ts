import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { openSpoolFiles } from './open-spool.js';
import { Spool, type SpoolLimits } from './spool.js';

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
      useFactory: (clock: Clock, log: Logger) => {
        const files = settings ? openSpoolFiles(settings.dataDir, settings.store, log) : [];
        return new Spool(files, limits, { clock, log });
      },
      inject: [CLOCK, LOG],
    };
    return { module: SpoolModule, providers: [spool], exports: [spool] };
  }
}
