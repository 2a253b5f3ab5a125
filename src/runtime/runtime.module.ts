import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { Refusals } from '../http/refusals.js';
import { SourceNames } from '../http/source-names.js';
import { LimitedLog } from '../observability/limited-log.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from './clock.js';

export interface RuntimeParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limitedLog: LimitedLog;
  readonly refusals: Refusals;
  readonly sourceNames: SourceNames;
}

/** What every part may ask for, without an import. */
@Module({})
export class RuntimeModule {
  static forRoot({ clock, log, limitedLog, refusals, sourceNames }: RuntimeParts): DynamicModule {
    const providers = [
      { provide: CLOCK, useValue: clock },
      { provide: LOG, useValue: log },
      { provide: LimitedLog, useValue: limitedLog },
      { provide: Refusals, useValue: refusals },
      { provide: SourceNames, useValue: sourceNames },
    ];
    return { module: RuntimeModule, global: true, providers, exports: providers };
  }
}
