// Logs one warning for each source whose clock is ahead by more than CLOCK_SKEW_MS.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { SourceName } from '../domain/subject.js';
import { LOG } from '../observability/logging.js';
import { SourceRegistry } from './registry.js';
import type { ProviderEvent } from './source.js';

@Injectable()
export class ClockWarnings {
  readonly #warned = new Set<SourceName>();

  constructor(
    private readonly registry: SourceRegistry,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  check(source: SourceName, { occurredAtMs, receivedAtMs }: ProviderEvent): void {
    const aheadMs = occurredAtMs - receivedAtMs;
    if (aheadMs <= this.registry.policyOf(source).clockSkewMs || this.#warned.has(source)) return;
    this.#warned.add(source);
    this.log.warn(
      { source, aheadMs },
      'the clock of the provider is ahead by more than CLOCK_SKEW_MS: its events are ordered as if they occurred at most CLOCK_SKEW_MS after receipt',
    );
  }
}
