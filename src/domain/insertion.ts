// Inserts events into what is known of a participant: each into the history of its device, or among the ends, the facts of availability
// or the statements of the participant.
import { type AvailabilityFact, insertFact, NO_FACTS } from './availability.js';
import { type DeviceHistory, insertEvent, type Verdict } from './device-history.js';
import {
  type DeviceEvent,
  type DeviceId,
  inOrder,
  isAvailability,
  type KeptEvent,
  limitSkew,
  orderedAtMs,
  type RecordedEvent,
} from './lifecycle-event.js';
import type { ParticipantRecord } from './participant.js';
import { insertEnd, NO_ENDS } from './participant-ends.js';
import type { PresencePolicy } from './policy.js';
import { type Statements, withOperatorLabels, withStatements } from './statements.js';

/** What is known of a participant after events were inserted, in order. */
export interface Inserted {
  readonly histories: ReadonlyMap<DeviceId, DeviceHistory>;
  readonly ends: readonly DeviceEvent[];
  readonly facts: readonly AvailabilityFact[];
  readonly statements: Statements;
  readonly applied: readonly RecordedEvent[];
  readonly verdicts: readonly Verdict[];
}

/** Inserts events in the order in which they are given. `before`: undefined for a new participant. */
export function insertAll(
  before: ParticipantRecord | undefined,
  events: readonly RecordedEvent[],
  policy: PresencePolicy,
): Inserted {
  const histories = new Map(before?.devices);
  let ends = before?.ends ?? NO_ENDS;
  let facts = before?.availabilityFacts ?? NO_FACTS;
  const applied: RecordedEvent[] = [];
  let statements = statementsIn(before);
  const insert = (event: RecordedEvent): { readonly verdict: Verdict; readonly kept?: KeptEvent } => {
    const { deviceId } = event;
    if (event.kind === 'set-labels') {
      const known = statements;
      statements = withOperatorLabels(known, event);
      return { verdict: statements === known ? 'duplicate' : 'applied' };
    }
    if (isAvailability(event)) {
      const insertion = insertFact(facts, factOf(event));
      facts = insertion.facts;
      return insertion;
    }
    if (deviceId === undefined) {
      const insertion = insertEnd(ends, keptEventOf(event));
      ends = insertion.ends;
      return insertion;
    }
    const history = histories.get(deviceId);
    // Of a device that is not known, an observation that it is not there says nothing.
    const isKnown = history !== undefined || event.kind !== 'unseen';
    if (!isKnown || (!history && orderedAtMs(event) <= (before?.evictedUpToMs ?? Number.NEGATIVE_INFINITY)))
      return { verdict: 'stale' };
    const insertion = insertEvent(history ?? { events: [] }, keptEventOf(event), policy);
    histories.set(deviceId, insertion.history);
    return insertion;
  };
  const verdicts = events.map((received): Verdict => {
    const event = limitSkew(received, policy);
    const { verdict, kept } = insert(event);
    if (kept && event.kind !== 'set-labels') statements = withStatements(statements, event, orderedAtMs(kept));
    if (verdict === 'applied') applied.push(event);
    return verdict;
  });
  return { histories, ends, facts, applied: inOrder(applied), statements, verdicts };
}

/** Without the members that are the same for the whole history. */
function keptEventOf<K extends KeptEvent['kind']>(
  event: KeptEvent & { readonly kind: K },
): KeptEvent & { readonly kind: K } {
  const { kind, occurredAtMs, receivedAtMs, precisionMs, eventId, sequence, askedAtMs, cappedAtMs } = event;
  const known = { kind, occurredAtMs, receivedAtMs, precisionMs };
  if (askedAtMs !== undefined) return { ...known, askedAtMs };
  if (eventId === undefined && sequence === undefined && cappedAtMs === undefined) return known;
  return {
    ...known,
    ...(eventId !== undefined && { eventId }),
    ...(sequence !== undefined && { sequence }),
    ...(cappedAtMs !== undefined && { cappedAtMs }),
  };
}

function factOf(event: AvailabilityFact): AvailabilityFact {
  const fact = keptEventOf(event);
  return event.untilMs === undefined ? fact : { ...fact, untilMs: event.untilMs };
}

/** Always with the same members, so that V8 uses one hidden class for records. */
function statementsIn({ tag, participantRef, labels }: Statements = {}): Statements {
  return { tag, participantRef, labels };
}
