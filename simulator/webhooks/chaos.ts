// Simulates faults in the delivery of webhooks. Chaos never affects the events: a webhook may be lost, but its event still
// happened. The same seed gives the same results for the same sequence of events.
import { between, type Random, randomOf } from '../random.js';
import { type SignallingEvent, webhookBody } from './signalling-event.js';

/** Shares are fractions from 0 to 1, times are in milliseconds; 0 disables the fault. */
export interface ChaosPolicy {
  readonly lossShare: number;
  /** The share of webhooks, among those not lost, that are sent twice. */
  readonly duplicateShare: number;
  /** The mean of an exponentially distributed delay. */
  readonly delayMs: number;
  /** The share that is held back for up to `reorderWithinMs` more, so that later ones overtake them. */
  readonly reorderShare: number;
  readonly reorderWithinMs: number;
  /** The maximum clock error of each of the provider's hosts. */
  readonly skewMs: number;
  /** How far the clocks of all hosts are ahead; negative: behind. */
  readonly clockOffsetMs: number;
  /** The share of disconnects that are noticed only after the device has reconnected. */
  readonly overlapShare: number;
  /** Such a disconnect is noticed within this time after the device reconnects. */
  readonly overlapWithinMs: number;
  /** Webhooks due within an interval of this length are sent together at its end. */
  readonly burstMs: number;
}

export interface Delivery {
  readonly event: SignallingEvent;
  readonly body: string;
  readonly sendAtMs: number;
}

/** The deliveries of one event. */
export interface DeliveryPlan {
  readonly event: SignallingEvent;
  /** When the provider noticed the event, whether or not its webhook was lost. */
  readonly noticedAtMs: number;
  readonly deliveries: readonly Delivery[];
  readonly outcome: 'sent' | 'lost' | 'duplicated';
}

/** Only quick reconnects can overlap: after this time, the provider has noticed the dead socket. */
const MAX_UNNOTICED_MS = 10_000;
/** A duplicate is sent within this time. */
const REPEAT_WITHIN_MS = 5_000;
/** Delays are capped at this multiple of the mean, so that every run ends. */
const MAX_DELAY_FACTOR = 8;
const HOSTS = 16;

export class Chaos {
  readonly #random: Random;
  readonly #skewsMs: readonly number[];

  constructor(
    private readonly policy: ChaosPolicy,
    seed: number,
  ) {
    this.#random = randomOf(seed, 0);
    this.#skewsMs = Array.from({ length: HOSTS }, () =>
      Math.round(between(this.#random, -policy.skewMs, policy.skewMs)),
    );
  }

  /**
   * Draws the same number of random values for every event, so that settings do not affect each other's results. `bodyOf`: of the
   * webhook, with the provider's time.
   */
  plan(event: SignallingEvent, bodyOf = webhookBody): DeliveryPlan {
    const { lossShare, duplicateShare, delayMs, reorderShare, reorderWithinMs, overlapShare, overlapWithinMs } =
      this.policy;
    const random = this.#random;
    const isLost = random() < lossShare;
    const isDuplicated = random() < duplicateShare;
    const repeatMs = random() * REPEAT_WITHIN_MS;
    const delay = Math.min(-Math.log(1 - random()), MAX_DELAY_FACTOR) * delayMs;
    const isHeldBack = random() < reorderShare;
    const heldBackMs = random() * reorderWithinMs;
    const isNoticedLate = random() < overlapShare;
    const noticeMs = random() * overlapWithinMs;
    const noticedAtMs = isNoticedLate && canOverlap(event) ? Math.round(event.isBackAtMs + noticeMs) : event.atMs;
    if (isLost) return { event, noticedAtMs, outcome: 'lost', deliveries: [] };
    const body = bodyOf(event, noticedAtMs + this.#skewMs(event) + this.policy.clockOffsetMs);
    const first = { event, body, sendAtMs: this.#inBurst(noticedAtMs + delay + (isHeldBack ? heldBackMs : 0)) };
    if (!isDuplicated) return { event, noticedAtMs, outcome: 'sent', deliveries: [first] };
    const second = { ...first, sendAtMs: this.#inBurst(first.sendAtMs + repeatMs) };
    return { event, noticedAtMs, outcome: 'duplicated', deliveries: [first, second] };
  }

  /** A device that reconnects gets another host. */
  #skewMs({ participantId, socket }: SignallingEvent): number {
    const offset = Number.parseInt(participantId.slice(-4), 16) || 0;
    return this.#skewsMs[(offset + socket * 7) % HOSTS] ?? 0;
  }

  #inBurst(atMs: number): number {
    const { burstMs } = this.policy;
    return burstMs > 0 ? Math.ceil(atMs / burstMs) * burstMs : atMs;
  }
}

function canOverlap(event: SignallingEvent): event is SignallingEvent & { isBackAtMs: number } {
  return event.isBackAtMs !== undefined && event.isBackAtMs - event.atMs <= MAX_UNNOTICED_MS;
}

/** The maximum time from an event to its first delivery; for a disconnect that is noticed late, from the reconnect. */
export function maxDelayMs(policy: ChaosPolicy): number {
  const { delayMs, reorderShare, reorderWithinMs, overlapShare, overlapWithinMs, burstMs } = policy;
  const noticeMs = overlapShare > 0 ? overlapWithinMs : 0;
  return MAX_DELAY_FACTOR * delayMs + (reorderShare > 0 ? reorderWithinMs : 0) + noticeMs + burstMs;
}

/** The maximum delay of any delivery, duplicates included, after the last step of a run. */
export function maxDeliveryDelayMs(policy: ChaosPolicy): number {
  return maxDelayMs(policy) + (policy.duplicateShare > 0 ? REPEAT_WITHIN_MS + policy.burstMs : 0);
}
