import { type ChaosPolicy, maxDelayMs } from '../webhooks/chaos.js';
import type { Allowance } from './spans.js';

/** The maximum time from a webhook or a deadline until an observer can see its effect, on a busy machine. */
const HANDLING_MS = 2_000;
/**
 * Late notice of dead sockets is allowed for only up to this. A provider that takes longer gets no more, else the figures of
 * different providers could not be compared.
 */
const MAX_NOTICE_MS = 5_000;

/** The delays that a receiver is allowed with this chaos. */
export function allowanceOf(policy: ChaosPolicy, graceMs: number): Allowance {
  const overlapWithinMs = Math.min(policy.overlapWithinMs, MAX_NOTICE_MS);
  return { deliveryMs: maxDelayMs({ ...policy, overlapWithinMs }) + HANDLING_MS, graceMs };
}
