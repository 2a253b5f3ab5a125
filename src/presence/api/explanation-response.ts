// The explanation of a participant's presence as a REST response.
import type { AvailabilityFact } from '../../domain/availability.js';
import { type Connection, startMsOf } from '../../domain/connection.js';
import type { Deadline } from '../../domain/deadline.js';
import type { ExplainedDevice, ExplainedFact, ExplainedStep, Explanation } from '../../domain/explain.js';
import { type KeptEvent, orderedAtMs } from '../../domain/lifecycle-event.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import type { PresencePolicy } from '../../domain/policy.js';
import type { PresenceState } from '../../domain/presence-view.js';
import { RULES, type Rule } from '../../domain/rules.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import type {
  ExplainedAvailabilityResponse,
  ExplainedDeviceResponse,
  ExplainedEventResponse,
  ExplainedStepResponse,
  ExplanationResponse,
  NextChangeResponse,
  PolicyResponse,
} from './explanation-schemas.js';
import { deviceResponse, optionalTime, participantResponse } from './responses.js';

const STATES: Record<Connection['phase'], PresenceState> = { open: 'connected', lost: 'reconnecting', ended: 'gone' };

export function explanationResponse(record: ParticipantRecord, explanation: Explanation): ExplanationResponse {
  const { rule, isOutdated, devices, ends, availability, next, askAtMs, policy } = explanation;
  return {
    participant: participantResponse(record),
    ...named(rule),
    outdated: isOutdated || undefined,
    devices: devices.map(explainedDevice),
    ends: ends.map((end) => explainedEvent(end.event, end)),
    availability: availability.map(explainedFact),
    next: nextChange(next),
    asksProviderAt: optionalTime(askAtMs),
    evictedUpTo: optionalTime(record.evictedUpToMs),
    policy: policyResponse(policy),
  };
}

function named(rule: Rule) {
  return { rule, meaning: RULES[rule] };
}

function explainedDevice({ view, connection, base, steps, next }: ExplainedDevice): ExplainedDeviceResponse {
  const open = connection.phase === 'open' ? connection : undefined;
  return {
    earlier: base && {
      upTo: rfc3339(orderedAtMs(base.upTo)),
      state: STATES[base.connection.phase],
      connectedAt: optionalTime(startMsOf(base.connection)),
      interruptions: base.connection.interruptions,
    },
    steps: steps.map(explainedStep),
    result: deviceResponse(view),
    sockets: open?.sockets,
    doubtfulSince: optionalTime(open?.doubt?.sinceMs),
    next: nextChange(next),
  };
}

function explainedStep(step: ExplainedStep): ExplainedStepResponse {
  const { rule, connection, previous } = step;
  return {
    ...named(rule),
    ...causeOf(step),
    previous: previous && { cause: previous.cause, endedAt: rfc3339(previous.endedAtMs) },
    state: connection && STATES[connection.phase],
  };
}

function causeOf(step: ExplainedStep): Pick<ExplainedStepResponse, 'event' | 'movedAhead' | 'supersededBy' | 'dueAt'> {
  if ('event' in step) return { event: explainedEvent(step.event, step), movedAhead: step.isMoved || undefined };
  if ('atMs' in step) return { dueAt: rfc3339(step.atMs) };
  const { deviceId, atMs, receivedAtMs } = step.by;
  return { supersededBy: { deviceId, occurredAt: rfc3339(atMs), receivedAt: rfc3339(receivedAtMs) } };
}

function explainedFact({ rule, fact, current, overtakenBy }: ExplainedFact): ExplainedAvailabilityResponse {
  return {
    ...named(rule),
    event: explainedEvent(fact, { overtakenBy }),
    availability: current?.value ?? 'unknown',
    since: optionalTime(current?.sinceMs),
  };
}

function explainedEvent(
  event: KeptEvent & Pick<AvailabilityFact, 'untilMs'>,
  { overtakenBy }: { readonly overtakenBy: number },
): ExplainedEventResponse {
  const { kind, occurredAtMs, receivedAtMs, cappedAtMs, eventId, sequence, askedAtMs, untilMs } = event;
  return {
    kind,
    occurredAt: rfc3339(occurredAtMs),
    receivedAt: rfc3339(receivedAtMs),
    delayMs: receivedAtMs - occurredAtMs,
    overtakenBy,
    countsAs: optionalTime(cappedAtMs),
    eventId,
    sequence,
    askedAt: optionalTime(askedAtMs),
    until: optionalTime(untilMs),
  };
}

function nextChange({ atMs, rule, deviceId }: Deadline): NextChangeResponse {
  return { at: rfc3339(atMs), ...named(rule), deviceId };
}

/** Only the members of the document. */
function policyResponse(policy: PresencePolicy): PolicyResponse {
  const { graceMs, leaveGraceMs, overlapMs, maxConnectionMs, devicesAtOnce, socketsPerDevice } = policy;
  const { clockSkewMs, listLagMs, retentionMs } = policy;
  const durations = { graceMs, leaveGraceMs, overlapMs, maxConnectionMs };
  return { ...durations, devicesAtOnce, socketsPerDevice, clockSkewMs, listLagMs, retentionMs };
}
