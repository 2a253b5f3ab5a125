// Takes callbacks that another Rollcall has accepted: it has checked their credentials and signatures.
import { Inject, Injectable } from '@nestjs/common';
import type { SourceName } from '../../domain/subject.js';
import { internalProblem } from '../../http/problem-mapper.js';
import { Metrics } from '../../observability/metrics/metrics.js';
import { ThrottledLog } from '../../observability/throttled-log.js';
import { FeedQuotaError } from '../../presence/write/feed-quota.js';
import { ParticipantLimitError } from '../../presence/write/participant-limit.js';
import type { ReplayResult } from '../../quarantine/replay.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { StoreUnavailableError } from '../../storage/ports.js';
import { CallbackReplay } from '../callback-replay.js';
import { type ReceivedCallback, RefusedCallbacks } from '../refused-callbacks.js';
import { SourceRegistry } from '../registry.js';
import { type ForwardedCallback, type ForwardOutcome, toReceived } from './forwarded-callback.js';

@Injectable()
export class ForwardedCallbacks {
  readonly #received;

  constructor(
    private readonly replay: CallbackReplay,
    private readonly registry: SourceRegistry,
    private readonly refused: RefusedCallbacks,
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly log: ThrottledLog,
    metrics: Metrics,
  ) {
    this.#received = metrics.counter({
      name: 'rollcall_forwarded_callbacks_received_total',
      help: 'Callbacks that another Rollcall has forwarded to this one, by source and outcome.',
      labels: ['source', 'outcome'],
    });
  }

  /** Resolves when each callback that is not `unavailable` is durable, or in the quarantine. */
  take(callbacks: readonly ForwardedCallback[]): Promise<ForwardOutcome[]> {
    return Promise.all(callbacks.map((callback) => this.#take(callback)));
  }

  async #take(forwarded: ForwardedCallback): Promise<ForwardOutcome> {
    const received = toReceived(forwarded, this.clock.now());
    if (!this.#isConfigured(received.source)) {
      return { outcome: 'unavailable', detail: `The source ${received.source} is not configured.` };
    }
    const outcome = await this.#apply(received);
    this.#received.of(received.source, outcome.outcome).value += 1;
    return outcome;
  }

  async #apply(received: ReceivedCallback): Promise<ForwardOutcome> {
    try {
      const result = await this.replay.apply(received);
      return result.outcome === 'refused' ? this.#refuse(received, result) : result;
    } catch (error) {
      if (isTemporary(error)) return { outcome: 'unavailable', detail: error.message };
      const { reason, message: detail } = internalProblem(error);
      return this.#refuse(received, { outcome: 'refused', reason, detail });
    }
  }

  #refuse(
    received: ReceivedCallback,
    { reason, detail }: Extract<ReplayResult, { outcome: 'refused' }>,
  ): ForwardOutcome {
    const kept = this.refused.keep(received, reason);
    const { source, requestId } = received;
    this.log.add('forwarded callback refused', {
      level: 'warn',
      message: 'forwarded callback refused',
      linesPerMinute: 10,
      logFields: () => ({ source, forwardedRequestId: requestId, reason, ...kept }),
    });
    return { outcome: 'refused', detail };
  }

  #isConfigured(source: SourceName): boolean {
    return this.registry.all.some(({ name }) => name === source);
  }
}

function isTemporary(error: unknown): error is Error {
  return (
    error instanceof StoreUnavailableError || error instanceof FeedQuotaError || error instanceof ParticipantLimitError
  );
}
