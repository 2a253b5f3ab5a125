// When a message is sent again, and when an endpoint or a message is given up. No I/O.
import type { SendResult } from '../sending/sender.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The delay after the first, second, … failure; after that, always the last one. */
const DELAYS_MS = [5_000, 30_000, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS];
/** Each delay is longer or shorter by up to this share, so that endpoints do not all try at the same time. */
const JITTER = 0.2;
/** The longest that Retry-After delays anything. */
const MAX_RETRY_AFTER_MS = HOUR_MS;

/** A message that is refused for this long, while others are accepted, becomes a dead letter. */
export const MAX_REFUSED_MS = 24 * HOUR_MS;
/** An endpoint that takes nothing for this long is disabled. */
export const MAX_FAILING_MS = 5 * 24 * HOUR_MS;

/** An endpoint with this many failures in a row is probed with one request at a time. */
export const PROBE_AFTER_FAILURES = 5;
/** Between the probes. */
export const PROBE_MS = 30_000;

/** `random`: from 0 to 1. */
export function retryDelayMs(failures: number, random: number): number {
  const delayMs = DELAYS_MS[Math.min(failures, DELAYS_MS.length) - 1] ?? 0;
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random));
}

/** These find fault with the message: the endpoint may accept others. */
const REJECTIONS = new Set([400, 413, 415, 422]);

export type Verdict =
  | { readonly outcome: 'delivered' }
  /** The receiver wants no more requests. */
  | { readonly outcome: 'gone' }
  /** `pauseMs`: how long the receiver wants no requests at all. */
  | { readonly outcome: 'failed' | 'rejected'; readonly pauseMs: number };

export function verdictOf(result: SendResult): Verdict {
  if ('error' in result) return { outcome: 'failed', pauseMs: 0 };
  const { status, retryAfterMs = 0 } = result;
  if (status >= 200 && status < 300) return { outcome: 'delivered' };
  if (status === 410) return { outcome: 'gone' };
  const outcome = REJECTIONS.has(status) ? 'rejected' : 'failed';
  return { outcome, pauseMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) };
}
