// Builds events for tests: `at` defaults to 0, and `receivedAt` to `at`.
import type { Labels } from '../../src/domain/labels.js';
import type {
  AvailabilityEvent,
  AvailabilityKind,
  DeviceId,
  EventKind,
  LabelEvent,
  LifecycleEvent,
  ParticipantEnd,
  ParticipantEndKind,
  RecordedEvent,
} from '../../src/domain/lifecycle-event.js';
import { DEFAULT_POLICY, type PresencePolicy } from '../../src/domain/policy.js';
import type { ParticipantId, SourceName, Subject } from '../../src/domain/subject.js';
import type { ModelEvent } from '../model/presence-model.js';

export const policy: PresencePolicy = { ...DEFAULT_POLICY };

interface SubjectParts {
  source?: string;
  scope?: string;
  participant?: string;
}

interface EventParts extends SubjectParts, Pick<LifecycleEvent, 'eventId' | 'sequence' | 'askedAtMs'> {
  device?: string;
  at?: number;
  receivedAt?: number;
  precisionMs?: LifecycleEvent['precisionMs'];
  tag?: string;
  participantRef?: string;
  labels?: Labels | undefined;
  mintedLabels?: Labels | undefined;
}

export function subjectOf({ source = 'bandwidth', scope = '', participant = 'p1' }: SubjectParts = {}): Subject {
  return { source: source as SourceName, scope, participantId: participant as ParticipantId };
}

function event(kind: EventKind, parts: EventParts): LifecycleEvent {
  const { device = 'd1', at = 0, receivedAt = at, precisionMs = 1, eventId, sequence, askedAtMs } = parts;
  const { tag, participantRef, labels, mintedLabels } = parts;
  return {
    subject: subjectOf(parts),
    deviceId: device as DeviceId,
    kind,
    occurredAtMs: at,
    receivedAtMs: receivedAt,
    precisionMs,
    ...(eventId !== undefined && { eventId }),
    ...(sequence !== undefined && { sequence }),
    ...(askedAtMs !== undefined && { askedAtMs }),
    ...(tag && { tag }),
    ...(participantRef && { participantRef }),
    ...(labels && { labels }),
    ...(mintedLabels && { mintedLabels }),
  };
}

/** An end of all devices. */
export function participantEnd(kind: ParticipantEndKind, parts: Omit<EventParts, 'device'> = {}): ParticipantEnd {
  const { deviceId: _none, kind: _left, ...rest } = event('left', parts);
  return { ...rest, kind };
}

/** Says whether the participant is available. */
export function fact(
  kind: AvailabilityKind,
  { until, ...parts }: Omit<EventParts, 'device'> & { until?: number | undefined } = {},
): AvailabilityEvent {
  return { ...participantEnd('participant-left', parts), kind, ...(until !== undefined && { untilMs: until }) };
}

/** An operator's labels, given in the order of time. */
export function labelled(
  labels: Labels,
  { at = 0, since = at, ...parts }: SubjectParts & { at?: number; since?: number } = {},
): LabelEvent {
  const times = { occurredAtMs: at, receivedAtMs: at, precisionMs: 1 } as const;
  return { kind: 'set-labels', subject: subjectOf(parts), labels, sinceMs: since, ...times };
}

/** The same event for the reference model. */
export function modelEventOf(event: RecordedEvent): ModelEvent {
  const { deviceId: device, kind, occurredAtMs: at, receivedAtMs: received, precisionMs: precision } = event;
  const { eventId, sequence, tag } = event;
  const { participantRef: ref, labels, mintedLabels } = event as Partial<LifecycleEvent>;
  const { sinceMs } = event as Partial<LabelEvent>;
  const { askedAtMs: asked } = event as Partial<LifecycleEvent>;
  const { untilMs: until } = event as Partial<AvailabilityEvent>;
  return {
    device,
    kind,
    at,
    received,
    precision,
    eventId,
    sequence,
    asked,
    tag,
    ref,
    labels,
    mintedLabels,
    sinceMs,
    until,
  };
}

export const connected = (parts: EventParts = {}) => event('connected', parts);
export const disconnected = (parts: EventParts = {}) => event('disconnected', parts);
export const left = (parts: EventParts = {}) => event('left', parts);
export const eventOf = event;

/** What the provider's API answered: as of `lagMs` before it was asked, received `latencyMs` later. */
export function observed(
  kind: 'seen' | 'unseen',
  parts: { device?: string; askedAt: number; lagMs?: number; latencyMs?: number },
) {
  const { device = 'd1', askedAt, lagMs = 5_000, latencyMs = 500 } = parts;
  return event(kind, { device, at: askedAt - lagMs, receivedAt: askedAt + latencyMs, askedAtMs: askedAt });
}
