import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { Refusals } from '../http/refusals.js';
import { SourceNames } from '../http/source-names.js';
import { LOG } from '../observability/logging.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import { CLOCK, type Clock } from './clock.js';

export interface RuntimeParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly throttledLog: ThrottledLog;
  readonly refusals: Refusals;
  readonly sourceNames: SourceNames;
}

/** Providers that every module can inject without importing this one. */
@Module({})
export class RuntimeModule {
  static forRoot({ clock, log, throttledLog, refusals, sourceNames }: RuntimeParts): DynamicModule {
    const providers = [
      { provide: CLOCK, useValue: clock },
      { provide: LOG, useValue: log },
      { provide: ThrottledLog, useValue: throttledLog },
      { provide: Refusals, useValue: refusals },
      { provide: SourceNames, useValue: sourceNames },
    ];
    return { module: RuntimeModule, global: true, providers, exports: providers };
  }
}
