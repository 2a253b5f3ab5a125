// An operator, or a backend of yours, can say whether a participant can be given work, where the provider does not. It is a fact
// like those of the provider, dated by our clock.
import type { Availability } from './availability.js';
import { type AvailabilityEvent, isOperators, orderedAtMs } from './lifecycle-event.js';
import type { ParticipantRecord } from './participant.js';
import { isPresent } from './presence-view.js';

export interface StatedAvailability {
  readonly availability: Availability;
  /** As in AvailabilityEvent. */
  readonly untilMs?: number | undefined;
}

/** undefined: the participant is not present. */
export function operatorFact(
  { subject, announced, availabilityFacts, lastEventAtMs, settledAtMs }: ParticipantRecord,
  { availability, untilMs }: StatedAvailability,
  clockMs: number,
): AvailabilityEvent | undefined {
  if (!isPresent(announced.state)) return undefined;
  const nowMs = Math.max(clockMs, settledAtMs ?? clockMs);
  const last = availabilityFacts.findLast(isOperators);
  // It is about this presence, and later than what is known, even if the clock of the provider is ahead of ours.
  const occurredAtMs = Math.max(nowMs, lastEventAtMs, last ? orderedAtMs(last) + 1 : nowMs);
  const times = { occurredAtMs, receivedAtMs: nowMs, precisionMs: 1 } as const;
  return { subject, kind: `set-${availability}`, ...times, ...(untilMs !== undefined && { untilMs }) };
}
