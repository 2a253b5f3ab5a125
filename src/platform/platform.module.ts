import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { CLOCK, type Clock } from './clock.js';
import { LOG } from './logging.js';

/** What every part may ask for: the time, and the log. */
@Module({})
export class PlatformModule {
  static with({ clock, log }: { clock: Clock; log: Logger }): DynamicModule {
    return {
      module: PlatformModule,
      global: true,
      providers: [
        { provide: CLOCK, useValue: clock },
        { provide: LOG, useValue: log },
      ],
      exports: [CLOCK, LOG],
    };
  }
}
