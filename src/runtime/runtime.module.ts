import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { ProblemFilter } from '../http/problem.filter.js';
import { Refusals } from '../http/refusals.js';
import { LimitedLog } from '../observability/limited-log.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from './clock.js';

export interface PlatformParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limitedLog: LimitedLog;
  readonly refusals: Refusals;
  readonly problems: ProblemFilter;
}

/** What every part may ask for. */
@Module({})
export class PlatformModule {
  static with({ clock, log, limitedLog, refusals, problems }: PlatformParts): DynamicModule {
    return {
      module: PlatformModule,
      global: true,
      providers: [
        { provide: CLOCK, useValue: clock },
        { provide: LOG, useValue: log },
        { provide: LimitedLog, useValue: limitedLog },
        { provide: Refusals, useValue: refusals },
        { provide: ProblemFilter, useValue: problems },
      ],
      exports: [CLOCK, LOG, LimitedLog, Refusals, ProblemFilter],
    };
  }
}
