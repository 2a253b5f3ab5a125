// Simulates what can go wrong between an event and its receiver. Chaos affects only the delivery of webhooks, never the events:
// the event of a lost webhook did happen. With the same seed, the same events in the same order get the same treatment.
import { between, type Random, randomOf } from '../random.js';
import { type SignallingEvent, webhookBody } from './signalling-event.js';

/** Shares are from 0 to 1, times in milliseconds; 0 disables. */
export interface ChaosPolicy {
  readonly lossShare: number;
  /** The share of the others that are sent a second time. */
  readonly duplicateShare: number;
  /** The mean of an exponentially distributed delay. */
  readonly delayMs: number;
  /** The share that is held back for up to `reorderWithinMs` more, so that others overtake. */
  readonly reorderShare: number;
  readonly reorderWithinMs: number;
  /** The maximum clock error of each of the provider's hosts. */
  readonly skewMs: number;
  /** The share of lost sockets whose loss is noticed only after their device has returned. */
  readonly overlapShare: number;
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
  readonly deliveries: readonly Delivery[];
  readonly fate: 'sent' | 'lost' | 'repeated';
}

/** A late loss is noticed within this time after the return of the device. */
const NOTICE_MS = 5_000;
/** Only quick returns overlap: after this time a dead socket is noticed anyway. */
const MAX_UNNOTICED_MS = 10_000;
/** A duplicate is sent within this time. */
const REPEAT_WITHIN_MS = 5_000;
/** Delays are truncated at this multiple of their mean, so that a run ends. */
const MAX_MEANS = 8;
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

  /** Draws the same number of random values for every event, so that settings do not affect each other's results. */
  plan(event: SignallingEvent): DeliveryPlan {
    const { lossShare, duplicateShare, delayMs, reorderShare, reorderWithinMs, overlapShare } = this.policy;
    const random = this.#random;
    const isLost = random() < lossShare;
    const isRepeated = random() < duplicateShare;
    const repeatMs = random() * REPEAT_WITHIN_MS;
    const delay = Math.min(-Math.log(1 - random()), MAX_MEANS) * delayMs;
    const isHeldBack = random() < reorderShare;
    const heldBackMs = random() * reorderWithinMs;
    const isNoticedLate = random() < overlapShare;
    const noticeMs = random() * NOTICE_MS;
    if (isLost) return { fate: 'lost', deliveries: [] };
    const noticedAtMs = isNoticedLate && canOverlap(event) ? Math.round(event.isBackAtMs + noticeMs) : event.atMs;
    const body = webhookBody(event, noticedAtMs + this.#skewMs(event));
    const first = { event, body, sendAtMs: this.#inBurst(noticedAtMs + delay + (isHeldBack ? heldBackMs : 0)) };
    if (!isRepeated) return { fate: 'sent', deliveries: [first] };
    return { fate: 'repeated', deliveries: [first, { ...first, sendAtMs: this.#inBurst(first.sendAtMs + repeatMs) }] };
  }

  /** A device that reconnects usually gets another host. */
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

/** The maximum delay of a first delivery after its event; for a loss that is noticed late, after the return. */
export function maxDelayMs(policy: ChaosPolicy): number {
  const { delayMs, reorderShare, reorderWithinMs, overlapShare, burstMs } = policy;
  const noticeMs = overlapShare > 0 ? NOTICE_MS : 0;
  return MAX_MEANS * delayMs + (reorderShare > 0 ? reorderWithinMs : 0) + noticeMs + burstMs;
}

/** The maximum delay of any delivery, duplicates included, after the last step of a run. */
export function maxDeliveryDelayMs(policy: ChaosPolicy): number {
  return maxDelayMs(policy) + (policy.duplicateShare > 0 ? REPEAT_WITHIN_MS + policy.burstMs : 0);
}
