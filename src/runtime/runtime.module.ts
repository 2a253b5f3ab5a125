import { type DynamicModule, Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { Admission } from '../http/admission.js';
import { ProblemMapper } from '../http/problem-mapper.js';
import { Refusals } from '../http/refusals.js';
import { CONSTANT_HEADERS } from '../http/security-headers.js';
import { SourceNames } from '../http/source-names.js';
import { LOG } from '../observability/logging.js';
import { Metrics } from '../observability/metrics/metrics.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import { TRACER, type Tracer } from '../observability/tracing/tracer.js';
import { CLOCK, type Clock } from './clock.js';

export interface RuntimeParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly throttledLog: ThrottledLog;
  readonly refusals: Refusals;
  readonly sourceNames: SourceNames;
  readonly admission: Admission;
  readonly problems: ProblemMapper;
  readonly constantHeaders: Readonly<Record<string, string>>;
}

/** Providers that every module can inject without importing this one. */
@Module({})
export class RuntimeModule {
  static forRoot({
    clock,
    log,
    metrics,
    tracer,
    throttledLog,
    refusals,
    sourceNames,
    admission,
    problems,
    constantHeaders,
  }: RuntimeParts): DynamicModule {
    const providers = [
      { provide: CLOCK, useValue: clock },
      { provide: LOG, useValue: log },
      { provide: Metrics, useValue: metrics },
      { provide: TRACER, useValue: tracer },
      { provide: ThrottledLog, useValue: throttledLog },
      { provide: Refusals, useValue: refusals },
      { provide: SourceNames, useValue: sourceNames },
      { provide: Admission, useValue: admission },
      { provide: ProblemMapper, useValue: problems },
      { provide: CONSTANT_HEADERS, useValue: constantHeaders },
    ];
    return { module: RuntimeModule, global: true, providers, exports: providers };
  }
}
