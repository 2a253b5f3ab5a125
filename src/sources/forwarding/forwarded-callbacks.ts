// Takes callbacks that another Rollcall has accepted: it has checked their credentials and signatures.
import { Inject, Injectable } from '@nestjs/common';
import { internalProblem } from '../../http/problem-mapper.js';
import { Metrics } from '../../observability/metrics/metrics.js';
import { ThrottledLog } from '../../observability/throttled-log.js';
import { FeedQuotaError } from '../../presence/write/feed-quota.js';
import { ParticipantLimitError } from '../../presence/write/participant-limit.js';
import { isQuarantineReason, type QuarantineReason } from '../../quarantine/reasons.js';
import type { ReplayResult } from '../../quarantine/replay.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { StoreUnavailableError } from '../../storage/ports.js';
import type { TimedId } from '../../storage/timed-id.js';
import { CallbackReplay } from '../callback-replay.js';
import { type ReceivedCallback, RefusedCallbacks } from '../refused-callbacks.js';
import { SourceRegistry } from '../registry.js';
import { type ForwardedCallback, type ForwardOutcome, toReceived } from './forwarded-callback.js';

const NOT_KEPT = 'It is not valid here, and could not be written to the quarantine.';

type Result =
  | Exclude<ReplayResult, { outcome: 'refused' }>
  | { readonly outcome: 'unavailable'; readonly detail: string }
  | Refusal;

interface Refusal {
  readonly outcome: 'refused';
  readonly received: ReceivedCallback;
  readonly reason: QuarantineReason;
  readonly detail: string;
}

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

  /**
   * Resolves when each callback that is neither `unavailable` nor `refused` is durable, and when those that are `refused` are durable in
   * the quarantine, unless it is off.
   */
  async take(callbacks: readonly ForwardedCallback[]): Promise<ForwardOutcome[]> {
    const results = await Promise.all(callbacks.map((callback) => this.#apply(toReceived(callback, this.clock.now()))));
    const refusals = results.filter((result) => result.outcome === 'refused');
    const kept = refusals.length === 0 ? 'off' : await this.refused.keepDurably(refusals);
    if (kept !== 'failed') this.#log(refusals, kept);
    return results.map((result, index) => {
      const outcome = outcomeOf(result, kept);
      this.#count(callbacks[index]?.source, outcome);
      return outcome;
    });
  }

  async #apply(received: ReceivedCallback): Promise<Result> {
    try {
      const result = await this.replay.apply(received);
      if (result.outcome !== 'refused') return result;
      const { reason, detail } = result;
      // Its source is not configured, and may be later.
      if (!isQuarantineReason(reason)) return { outcome: 'unavailable', detail };
      return { outcome: 'refused', received, reason, detail };
    } catch (error) {
      if (isTemporary(error)) return { outcome: 'unavailable', detail: error.message };
      return { outcome: 'refused', received, reason: 'internal-error', detail: internalProblem(error).message };
    }
  }

  #log(refusals: readonly Refusal[], kept: readonly TimedId[] | 'off'): void {
    for (const [index, { received, reason }] of refusals.entries()) {
      const { source, requestId } = received;
      this.log.add('forwarded callback refused', {
        level: 'warn',
        message: 'forwarded callback refused',
        linesPerMinute: 10,
        logFields: () => ({
          source,
          forwardedRequestId: requestId,
          reason,
          ...(kept !== 'off' && { quarantined: kept[index] }),
        }),
      });
    }
  }

  /** A name that is not that of a source could be any text. */
  #count(source: string | undefined, { outcome }: ForwardOutcome): void {
    const registered = this.registry.all.find(({ name }) => name === source);
    if (registered) this.#received.of(registered.name, outcome).value += 1;
  }
}

/** A callback that could not be kept must stay with the sender. */
function outcomeOf(result: Result, kept: readonly TimedId[] | 'off' | 'failed'): ForwardOutcome {
  if (result.outcome !== 'refused') return result;
  const { detail } = result;
  return kept === 'failed' ? { outcome: 'unavailable', detail: NOT_KEPT } : { outcome: 'refused', detail };
}

function isTemporary(error: unknown): error is Error {
  return (
    error instanceof StoreUnavailableError || error instanceof FeedQuotaError || error instanceof ParticipantLimitError
  );
}
