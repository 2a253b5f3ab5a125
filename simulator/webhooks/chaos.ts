// What can happen between the truth and the receiver. It is done to the telling, never to what is told: a lost webhook
// is of an event that did happen. The same seed does the same to the same events in the same order.
import { between, type Random, randomOf } from '../random.js';
import { type SignallingEvent, webhookBody } from './signalling-event.js';

/** Shares are from 0 to 1, times in milliseconds; 0 is none. */
export interface ChaosPolicy {
  readonly lossShare: number;
  /** Of those that are not lost: sent again a while later. */
  readonly duplicateShare: number;
  /** Mean of the delay of each, which is exponential. */
  readonly delayMs: number;
  /** Held back for up to `reorderWithinMs` more, while others overtake. */
  readonly reorderShare: number;
  readonly reorderWithinMs: number;
  /** The clock of each of the provider's hosts is off by up to this. */
  readonly skewMs: number;
  /** Of the lost sockets whose device comes back: their loss is noticed only after that. */
  readonly overlapShare: number;
  /** All that is due within such a time goes out at once, at its end. */
  readonly burstMs: number;
}

export interface Delivery {
  readonly event: SignallingEvent;
  readonly body: string;
  readonly sendAtMs: number;
}

/** What becomes of one event, and how often it was lost or repeated. */
export interface Telling {
  readonly deliveries: readonly Delivery[];
  readonly fate: 'told' | 'lost' | 'repeated';
}

/** A dead socket is noticed within this time after its device has a new one. */
const NOTICE_MS = 5_000;
/** A socket that is dead for longer is noticed by itself, so that only a quick return overlaps with it. */
const LONGEST_UNNOTICED_MS = 10_000;
/** A repeat comes within this time. */
const REPEAT_WITHIN_MS = 5_000;
/** An exponential delay has no end; ours has, so that a run has one. */
const MOST_MEANS = 8;
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

  /** As many numbers are drawn for each event, whatever becomes of it: one setting does not change what others do. */
  tell(event: SignallingEvent): Telling {
    const { lossShare, duplicateShare, delayMs, reorderShare, reorderWithinMs, overlapShare } = this.policy;
    const random = this.#random;
    const isLost = random() < lossShare;
    const isRepeated = random() < duplicateShare;
    const repeatMs = random() * REPEAT_WITHIN_MS;
    const delay = Math.min(-Math.log(1 - random()), MOST_MEANS) * delayMs;
    const isHeldBack = random() < reorderShare;
    const heldBackMs = random() * reorderWithinMs;
    const isNoticedLate = random() < overlapShare;
    const noticeMs = random() * NOTICE_MS;
    if (isLost) return { fate: 'lost', deliveries: [] };
    const noticedAtMs = isNoticedLate && canOverlap(event) ? Math.round(event.isBackAtMs + noticeMs) : event.atMs;
    const body = webhookBody(event, noticedAtMs + this.#skewMs(event));
    const first = { event, body, sendAtMs: this.#inBurst(noticedAtMs + delay + (isHeldBack ? heldBackMs : 0)) };
    if (!isRepeated) return { fate: 'told', deliveries: [first] };
    return { fate: 'repeated', deliveries: [first, { ...first, sendAtMs: this.#inBurst(first.sendAtMs + repeatMs) }] };
  }

  /** A device that comes back is at another host, as like as not. */
  #skewMs({ participantId, socket }: SignallingEvent): number {
    const place = Number.parseInt(participantId.slice(-4), 16) || 0;
    return this.#skewsMs[(place + socket * 7) % HOSTS] ?? 0;
  }

  #inBurst(atMs: number): number {
    const { burstMs } = this.policy;
    return burstMs > 0 ? Math.ceil(atMs / burstMs) * burstMs : atMs;
  }
}

function canOverlap(event: SignallingEvent): event is SignallingEvent & { isBackAtMs: number } {
  return event.isBackAtMs !== undefined && event.isBackAtMs - event.atMs <= LONGEST_UNNOTICED_MS;
}

/** No first telling of anything is later than this after the truth; of a loss that is noticed late, after the return. */
export function longestDelayMs(policy: ChaosPolicy): number {
  const { delayMs, reorderShare, reorderWithinMs, overlapShare, burstMs } = policy;
  const noticeMs = overlapShare > 0 ? NOTICE_MS : 0;
  return MOST_MEANS * delayMs + (reorderShare > 0 ? reorderWithinMs : 0) + noticeMs + burstMs;
}

/** No webhook, repeats included, is due later than this after the last step of a run. */
export function latestDeliveryMs(policy: ChaosPolicy): number {
  return longestDelayMs(policy) + (policy.duplicateShare > 0 ? REPEAT_WITHIN_MS + policy.burstMs : 0);
}
