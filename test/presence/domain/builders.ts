// Events for tests: times default to the beginning, and heardAt to at.
import type {
  DeviceId,
  EventKind,
  LifecycleEvent,
  ParticipantId,
} from '../../../src/presence/domain/lifecycle-event.js';
import { DEFAULT_POLICY, type PresencePolicy } from '../../../src/presence/domain/policy.js';

export const policy: PresencePolicy = { ...DEFAULT_POLICY };

interface EventParts {
  participant?: string;
  device?: string;
  at?: number;
  heardAt?: number;
  tag?: string;
}

function event(
  kind: EventKind,
  { participant = 'p1', device = 'd1', at = 0, heardAt = at, tag }: EventParts,
): LifecycleEvent {
  return {
    source: 'bandwidth',
    participantId: participant as ParticipantId,
    deviceId: device as DeviceId,
    kind,
    atMs: at,
    heardAtMs: heardAt,
    ...(tag && { tag }),
  };
}

export const connected = (parts: EventParts = {}) => event('connected', parts);
export const disconnected = (parts: EventParts = {}) => event('disconnected', parts);
export const left = (parts: EventParts = {}) => event('left', parts);
export const eventOf = event;
