// How far the times of callbacks differ from their receipt, by source: late (slow delivery, or the provider's clock is behind)
// or ahead (its clock is ahead). Kept for metrics. Logs one warning for each source whose clock is ahead by more than
// CLOCK_SKEW_MS.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { LifecycleEvent } from '../domain/lifecycle-event.js';
import type { SourceName } from '../domain/subject.js';
import { LOG } from '../observability/logging.js';
import { SourceRegistry } from './registry.js';

/** The largest differences since the start, in milliseconds; 0: none. */
interface Delays {
  aheadMs: number;
  lateMs: number;
}

@Injectable()
export class CallbackDelays {
  readonly #delays = new Map<SourceName, Delays>();

  constructor(
    private readonly registry: SourceRegistry,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  record({ subject: { source }, occurredAtMs, receivedAtMs }: LifecycleEvent): void {
    const aheadMs = occurredAtMs - receivedAtMs;
    const delays = this.#delays.get(source) ?? { aheadMs: 0, lateMs: 0 };
    this.#delays.set(source, delays);
    const { clockSkewMs } = this.registry.policyOf(source);
    if (aheadMs > clockSkewMs && delays.aheadMs <= clockSkewMs) {
      this.log.warn(
        { source, aheadMs },
        'the clock of the provider is ahead by more than CLOCK_SKEW_MS: its events are ordered as if they occurred at most CLOCK_SKEW_MS after receipt',
      );
    }
    delays.aheadMs = Math.max(delays.aheadMs, aheadMs);
    delays.lateMs = Math.max(delays.lateMs, -aheadMs);
  }

  of(source: SourceName): Readonly<Delays> | undefined {
    return this.#delays.get(source);
  }
}
